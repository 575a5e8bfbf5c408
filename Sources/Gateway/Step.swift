/// How far the gateway has come with an exchange, and so what comes next.
enum Step {
    /// Which route is it, who asks, and may they?
    case judge
    /// One of our own endpoints answers.
    case serve(Endpoint)
    /// The session store is asked who it is.
    case ask(StoreQuestion)
    /// The request goes to the upstream, and the response back.
    case forward
    /// All has been said.
    case over
}
