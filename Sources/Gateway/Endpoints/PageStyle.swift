import Secrets

/// The look of the gateway's pages: one sheet, written into each of them, and the policy that allows it and nothing else.
enum PageStyle {
    static let sheet: StaticString = """
        :root{color-scheme:light dark;--ground:#f4f4f1;--paper:#fff;--line:#dcdcd6;--edge:#8b8b84;--ink:#1c1d1b;--soft:#5b5d58;\
        --accent:#1f5f57;--on-accent:#fff;--bad:#9c2b20;--bad-ground:#fbeeec}
        @media (prefers-color-scheme:dark){:root{--ground:#151716;--paper:#1e2120;--line:#323634;--edge:#7c827f;--ink:#eceeec;\
        --soft:#a6aca8;--accent:#86cfc3;--on-accent:#0d211d;--bad:#ffb3a8;--bad-ground:#3a211e}}
        *{box-sizing:border-box}
        body{margin:0;min-height:100vh;min-height:100svh;display:flex;align-items:center;justify-content:center;padding:1.5rem 1rem;\
        background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        main{width:100%;max-width:25rem;padding:2rem;background:var(--paper);border:1px solid var(--line);border-radius:.75rem}
        svg{display:block;width:2.25rem;height:2.25rem;margin:0 0 1.25rem;color:var(--accent)}
        h1{margin:0;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em}
        p{margin:.375rem 0 0;color:var(--soft);overflow-wrap:anywhere}
        .alert{margin:1.25rem 0 0;padding:.75rem .875rem;border-left:.25rem solid var(--bad);border-radius:.25rem;\
        background:var(--bad-ground);color:var(--bad)}
        form{margin:1.5rem 0 0}
        label{display:block;margin:1rem 0 .375rem;font-weight:550}
        input{display:block;width:100%;min-height:3rem;padding:.5rem .75rem;border:1px solid var(--edge);border-radius:.5rem;\
        background:var(--paper);color:inherit;font:inherit}
        button{width:100%;min-height:3rem;margin:1.75rem 0 0;border:1px solid transparent;border-radius:.5rem;background:var(--accent);\
        color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer}
        button:hover{filter:brightness(1.1)}
        input:focus-visible,button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
        .status{margin:0;font-size:.875rem;font-weight:600}
        .id{margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.8125rem}
        code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
        @media (max-width:26rem){body{align-items:flex-start;padding:0;background:var(--paper)}\
        main{padding:2.5rem 1.25rem;border:0;border-radius:0}}
        """

    /// A page may use this sheet, send its form here, and do nothing else: no script, no picture, no frame around it (CSP 3).
    static let policy: [UInt8] = {
        let digest = SHA256Digest(of: Array(sheet.description.utf8))
        // CSP takes the hash in the ordinary alphabet of base 64; 32 octets leave one `=` (RFC 4648 4).
        let hash = Base64URL.encode(digest).map { digit in
            digit == UInt8(ascii: "-") ? UInt8(ascii: "+") : digit == UInt8(ascii: "_") ? UInt8(ascii: "/") : digit
        }
        return Array("default-src 'none'; style-src 'sha256-".utf8) + hash
            + Array("='; form-action 'self'; frame-ancestors 'none'; base-uri 'none'".utf8)
    }()
}
