print("profile-service")
