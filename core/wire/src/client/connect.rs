//! What a client says of itself in `CONNECT`. Not here: whether it is believed.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::server_info::{JsonError, parse_json_with};

/// The JSON of `CONNECT`. What the client leaves out is as the reference server has it: verbose,
/// pedantic, with echo. Debug output leaves the secrets out.
#[derive(Clone)]
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
    /// Signature of the nonce by the proxy that the client comes through.
    pub proxy_sig: String,
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

/// The text after `CONNECT` is no such JSON. Nothing of the text is quoted: it holds secrets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("CONNECT options are not valid JSON: {0}")]
pub struct ConnectError(JsonError);

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
            proxy_sig: String::new(),
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
    /// Reads the JSON text, as forgiving as the reference server: names of fields in any case, the last
    /// of several values counts, `null` is no value, unknown fields are ignored.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, or a known field has a value of another type.
    pub fn parse(json: &[u8]) -> Result<ClientConnect, ConnectError> {
        let mut connect = ClientConnect::default();
        connect.update(json)?;
        Ok(connect)
    }

    /// Reads another CONNECT of the same connection: what it leaves out stays as it is.
    ///
    /// # Errors
    ///
    /// As [`ClientConnect::parse`]; what came before the fault has been taken over by then.
    pub fn update(&mut self, json: &[u8]) -> Result<(), ConnectError> {
        parse_json_with(json, OntoObject(self)).map_err(ConnectError)
    }

    /// JSON that [`ClientConnect::parse`] makes the same of: the fields that differ from a CONNECT that
    /// says nothing. It holds the secrets.
    pub fn encode(&self) -> Vec<u8> {
        let mut json = Vec::new();
        let told = self
            .texts()
            .into_iter()
            .filter(|(_, text)| !text.is_empty());
        for (name, text) in told {
            // Text always has a JSON form.
            let value = serde_json::to_vec(text).unwrap_or_default();
            field(&mut json, name, &value);
        }
        let usual = ClientConnect::default().flags();
        for ((name, flag), (_, usual)) in self.flags().into_iter().zip(usual) {
            if flag != usual {
                field(&mut json, name, if flag { b"true" } else { b"false" });
            }
        }
        if self.protocol != 0 {
            field(&mut json, "protocol", self.protocol.to_string().as_bytes());
        }
        if json.is_empty() {
            json.push(b'{');
        }
        json.push(b'}');
        json
    }

    fn texts(&self) -> [(&'static str, &str); 11] {
        [
            ("auth_token", &self.auth_token),
            ("user", &self.user),
            ("pass", &self.pass),
            ("nkey", &self.nkey),
            ("jwt", &self.jwt),
            ("sig", &self.sig),
            ("proxy_sig", &self.proxy_sig),
            ("name", &self.name),
            ("lang", &self.lang),
            ("version", &self.version),
            ("account", &self.account),
        ]
    }

    fn flags(&self) -> [(&'static str, bool); 7] {
        [
            ("verbose", self.verbose),
            ("pedantic", self.pedantic),
            ("echo", self.echo),
            ("tls_required", self.tls_required),
            ("new_account", self.new_account),
            ("headers", self.headers),
            ("no_responders", self.no_responders),
        ]
    }
}

/// Appends one field to an object that is not closed yet.
fn field(json: &mut Vec<u8>, name: &str, value: &[u8]) {
    json.push(if json.is_empty() { b'{' } else { b',' });
    json.push(b'"');
    json.extend_from_slice(name.as_bytes());
    json.extend_from_slice(b"\":");
    json.extend_from_slice(value);
}

/// Reads an object, or `null`, onto what is there.
struct OntoObject<'a>(&'a mut ClientConnect);

impl<'de> DeserializeSeed<'de> for OntoObject<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(Fields(self.0))
    }
}

struct Fields<'a>(&'a mut ClientConnect);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let c = self.0;
        while let Some(mut key) = map.next_key::<String>()? {
            key.make_ascii_lowercase();
            match key.as_str() {
                "verbose" => set(&mut c.verbose, &mut map)?,
                "pedantic" => set(&mut c.pedantic, &mut map)?,
                "echo" => set(&mut c.echo, &mut map)?,
                "tls_required" => set(&mut c.tls_required, &mut map)?,
                "auth_token" => set(&mut c.auth_token, &mut map)?,
                "user" => set(&mut c.user, &mut map)?,
                "pass" => set(&mut c.pass, &mut map)?,
                "nkey" => set(&mut c.nkey, &mut map)?,
                "jwt" => set(&mut c.jwt, &mut map)?,
                "sig" => set(&mut c.sig, &mut map)?,
                "proxy_sig" => set(&mut c.proxy_sig, &mut map)?,
                "name" => set(&mut c.name, &mut map)?,
                "lang" => set(&mut c.lang, &mut map)?,
                "version" => set(&mut c.version, &mut map)?,
                "protocol" => set(&mut c.protocol, &mut map)?,
                "account" => set(&mut c.account, &mut map)?,
                "new_account" => set(&mut c.new_account, &mut map)?,
                "headers" => set(&mut c.headers, &mut map)?,
                "no_responders" => set(&mut c.no_responders, &mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn set<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    field: &mut T,
    map: &mut A,
) -> Result<(), A::Error> {
    if let Some(value) = map.next_value::<Option<T>>()? {
        *field = value;
    }
    Ok(())
}

impl fmt::Debug for ClientConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
