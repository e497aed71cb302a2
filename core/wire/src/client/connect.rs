//! What a client says of itself in `CONNECT`. Not here: whether it is believed.

use alloc::string::String;

use serde::Deserialize;

/// The JSON of `CONNECT`. What the client leaves out is as the reference server has it: verbose,
/// pedantic, with echo. Debug output leaves the secrets out.
#[derive(Clone, Deserialize)]
#[serde(default)]
pub struct ClientConnect {
    /// Wants `+OK` after every operation.
    pub verbose: bool,
    /// Wants subjects checked on publishing.
    pub pedantic: bool,
    /// Wants its own messages delivered to its own subscriptions.
    pub echo: bool,
    /// Insists on TLS.
    pub tls_required: bool,
    /// Token to authenticate with.
    pub auth_token: String,
    /// User name to authenticate with.
    pub user: String,
    /// Password to authenticate with.
    pub pass: String,
    /// Public nkey to authenticate with.
    pub nkey: String,
    /// User JWT to authenticate with.
    pub jwt: String,
    /// Signature of the nonce.
    pub sig: String,
    /// The connection's name, chosen by the client's user.
    pub name: String,
    /// Language of the client library.
    pub lang: String,
    /// Version of the client library.
    pub version: String,
    /// 0, or 1 for clients that understand INFO at any time.
    pub protocol: i64,
    /// A wish from long ago that is refused now.
    pub account: String,
    /// A wish from long ago that is refused now.
    pub new_account: bool,
    /// Understands headers.
    pub headers: bool,
    /// Wants to be told when nobody takes a request.
    pub no_responders: bool,
}

/// The text after `CONNECT` is no such JSON.
#[derive(Debug, thiserror::Error)]
#[error("CONNECT options are not valid JSON: {0}")]
pub struct ConnectError(serde_json::Error);

impl Default for ClientConnect {
    fn default() -> Self {
        ClientConnect {
            verbose: true,
            pedantic: true,
            echo: true,
            tls_required: false,
            auth_token: String::new(),
            user: String::new(),
            pass: String::new(),
            nkey: String::new(),
            jwt: String::new(),
            sig: String::new(),
            name: String::new(),
            lang: String::new(),
            version: String::new(),
            protocol: 0,
            account: String::new(),
            new_account: false,
            headers: false,
            no_responders: false,
        }
    }
}

impl ClientConnect {
    /// Reads the JSON text; unknown fields are ignored.
    pub fn parse(json: &[u8]) -> Result<ClientConnect, ConnectError> {
        serde_json::from_slice(json).map_err(ConnectError)
    }
}

impl core::fmt::Debug for ClientConnect {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ClientConnect")
            .field("name", &self.name)
            .field("lang", &self.lang)
            .field("version", &self.version)
            .field("verbose", &self.verbose)
            .field("pedantic", &self.pedantic)
            .field("echo", &self.echo)
            .field("protocol", &self.protocol)
            .field("headers", &self.headers)
            .field("no_responders", &self.no_responders)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
