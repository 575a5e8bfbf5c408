/// What one worker does for one service, by one snapshot of the settings. Each exchange takes the duty of its moment and ends
/// under it, whatever comes after.
final class Duty {
    let service: Service
    let handler: any Handler
    /// No two duties of a worker have the same; 0: none.
    let number: UInt64
    /// Exchanges that are under way.
    var exchanges = 0
    /// Another one has taken its place.
    var isOver = false

    init(_ service: Service, handler: any Handler, number: UInt64) {
        self.service = service
        self.handler = handler
        self.number = number
    }
}
