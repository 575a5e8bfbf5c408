/// Whether a request that changes something comes from our own pages (rule 36).
///
/// A browser says so in `Sec-Fetch-Site` and `Origin`, which no page can forge. What neither says it comes from no browser of today,
/// and carries no browser's cookies. `Referer` is not asked: it can be left out by the page that attacks.
package enum CrossSite {
    /// `origins` and `secFetchSites` are the values of all such lines in the request; `own` are our origins as a browser writes them
    /// (`https://example.com`, lower case, without a default port).
    package static func allows(origins: [[UInt8]], secFetchSites: [[UInt8]], own: [[UInt8]]) -> Bool {
        switch secFetchSites.count {
        case 0: break
        // `none` is a person's own doing: an address typed, a bookmark. `same-site` is a sibling domain, which may be anybody's.
        case 1:
            guard secFetchSites[0].elementsEqual("same-origin".utf8) || secFetchSites[0].elementsEqual("none".utf8)
            else { return false }
        default: return false
        }
        switch origins.count {
        case 0: return true
        // `null` is a sandboxed frame's or a data: page's, and equals none of ours.
        case 1: return own.contains(origins[0])
        default: return false
        }
    }
}
