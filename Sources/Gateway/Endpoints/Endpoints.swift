import Wire
import Access
enum Endpoint { case x }
package final class Endpoints { init(configuration: GatewayConfiguration, stores: GatewayStores, authenticator: Authenticator) {}
 func match(_ e: Exchange) -> Endpoint? { nil }
 func serve(_ e: Exchange, _ x: Endpoint) async {}
 func askToSignIn(_ e: Exchange, _ r: SignInReason) async {} }
extension PresentedCredentials.Bearer { init(_ head: RequestHead) { self = .none } }
