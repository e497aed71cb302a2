//! The decision on a client's credentials by what is configured: users, nkeys, certificates, tokens.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use gannet_config::{AuthOptions, Options, Secret};

use crate::admission::{Admission, Credentials, Decision, Denial, Who};
use crate::known::{Known, KnownUsers};
use crate::password::{PasswordCheck, is_hashed, same_secret};
use crate::signature;

/// Decides on credentials by the configured users.
#[derive(Debug)]
pub struct Authenticator {
    required: bool,
    users: KnownUsers,
    token: Option<Secret>,
    /// The single user.
    user: Option<(String, Secret)>,
    no_auth_user: Option<String>,
    /// Whoever is not one of the list must come through a proxy.
    proxy_required: bool,
    /// Public nkeys of trusted proxies.
    proxies: Vec<Arc<str>>,
    /// Users are those that certificates name.
    maps_certificates: bool,
}

impl Authenticator {
    /// Decides by `options`.
    pub fn new(options: &Options) -> Authenticator {
        let AuthOptions {
            user,
            password,
            token,
            no_auth_user,
            proxy_required,
            ..
        } = &options.auth;
        Authenticator {
            required: options.auth.required(),
            users: KnownUsers::new(options),
            token: token.clone(),
            user: user.clone().map(|name| (name, password.clone())),
            no_auth_user: no_auth_user.clone(),
            proxy_required: *proxy_required,
            proxies: options
                .proxies
                .iter()
                .map(|key| Arc::from(key.as_str()))
                .collect(),
            maps_certificates: options.tls.as_ref().is_some_and(|tls| tls.map),
        }
    }

    /// Whether credentials are asked for at all.
    pub fn required(&self) -> bool {
        self.required
    }

    /// Whether clients, or proxies for them, may have something to sign: INFO has to have a nonce.
    pub fn needs_nonce(&self) -> bool {
        self.users.has_nkeys() || !self.proxies.is_empty()
    }

    /// Whether a client may show no credentials although they are asked for.
    pub fn takes_nobody(&self) -> bool {
        self.required && self.no_auth_user.is_some()
    }

    /// Whether there is a user of this name or nkey in the list.
    pub fn lists(&self, who: &Who) -> bool {
        match who {
            Who::User(name) => self.users.named(name).is_some(),
            Who::Nkey(nkey) => self.users.with_nkey(nkey).is_some(),
            Who::Nobody | Who::Jwt(_) | Who::Token => false,
        }
    }

    /// Whether the proxy with this public nkey is trusted.
    pub fn trusts(&self, proxy: &str) -> bool {
        self.proxies.iter().any(|known| **known == *proxy)
    }

    /// Decides. What a proxy says comes first, then nkeys, the list of users, the token and the single user, as
    /// the reference server has it.
    pub fn decide(&self, given: &Credentials<'_>) -> Decision {
        let proxy = match self.proxy(given) {
            Ok(proxy) => proxy,
            Err(denial) => return Decision::Deny(denial),
        };
        let rule = self.rule(given);
        if rule.requires_proxy(self) && proxy.is_none() {
            return Decision::Deny(Denial::ProxyRequired);
        }
        let admission = Box::new(Admission {
            proxy,
            ..rule.admission()
        });
        match rule {
            Rule::Open | Rule::Nobody(_) => Decision::Allow(admission),
            Rule::Unwelcome(denial) => Decision::Deny(denial),
            Rule::Nkey(known) => match signature::verify(known.user.id(), given.nonce, given.sig) {
                Ok(()) => Decision::Allow(admission),
                Err(denial) => Decision::Deny(denial),
            },
            Rule::Password(known) => compare(&known.user.password, given.password, admission),
            Rule::Single(_, password) => compare(password, given.password, admission),
            Rule::Token(token) => compare(token, given.token, admission),
        }
    }

    /// Whether these credentials are to be looked at again where this takes the place of `before`, by which
    /// they were found right.
    pub fn differs_for(&self, given: &Credentials<'_>, before: &Authenticator) -> bool {
        let (now, was) = (self.rule(given), before.rule(given));
        now != was || now.requires_proxy(self) != was.requires_proxy(before)
    }

    /// The trusted proxy that the client came through, if it did.
    fn proxy(&self, given: &Credentials<'_>) -> Result<Option<Arc<str>>, Denial> {
        if given.proxy_sig.is_empty() || self.proxies.is_empty() {
            return Ok(None);
        }
        let mut proxies = self.proxies.iter();
        let signed =
            proxies.find(|key| signature::verify_proxy(key, given.nonce, given.proxy_sig).is_ok());
        signed.cloned().map(Some).ok_or(Denial::ProxyNotTrusted)
    }

    /// What decides on these credentials.
    fn rule(&self, given: &Credentials<'_>) -> Rule<'_> {
        if !self.required {
            return Rule::Open;
        }
        let shows_none = [given.user, given.password, given.token]
            .iter()
            .all(|s| s.is_empty());
        let nobody = self.no_auth_user.as_deref().filter(|_| shows_none);
        if self.users.has_nkeys() {
            let nobody = nobody.filter(|_| given.nkey.is_empty());
            if let Some(known) = nobody.and_then(|nkey| self.users.with_nkey(nkey)) {
                return allowed(known, given, Rule::Nobody);
            }
            if !given.nkey.is_empty() {
                return match self.users.with_nkey(given.nkey) {
                    // Everybody may be that one.
                    Some(known) if self.no_auth_user.as_deref() == Some(given.nkey) => {
                        allowed(known, given, Rule::Nobody)
                    }
                    Some(known) => allowed(known, given, Rule::Nkey),
                    None => Rule::Unwelcome(Denial::Credentials),
                };
            }
        }
        if self.users.has_names() {
            if self.maps_certificates {
                return self.certificate_rule(given);
            }
            if let Some(known) = nobody.and_then(|name| self.users.named(name)) {
                // A hashed password can be shown by nobody else, as the reference server has it.
                return match is_hashed(known.user.password.expose()) {
                    true => Rule::Unwelcome(Denial::Credentials),
                    false => allowed(known, given, Rule::Nobody),
                };
            }
            if !given.user.is_empty() {
                return match self.users.named(given.user) {
                    Some(known) => allowed(known, given, Rule::Password),
                    None => Rule::Unwelcome(Denial::Credentials),
                };
            }
        }
        self.simple_rule(given)
    }

    fn certificate_rule(&self, given: &Credentials<'_>) -> Rule<'_> {
        let Some(names) = &given.certificate else {
            return Rule::Unwelcome(Denial::CertificateMissing);
        };
        match self.users.of_certificate(names, given.connection) {
            Some(known) => Rule::Password(known),
            None => Rule::Unwelcome(Denial::CertificateUnknown),
        }
    }

    fn simple_rule(&self, given: &Credentials<'_>) -> Rule<'_> {
        if let Some(token) = &self.token {
            return Rule::Token(token);
        }
        match &self.user {
            Some((name, password)) if name == given.user => Rule::Single(name, password),
            _ => Rule::Unwelcome(Denial::Credentials),
        }
    }
}

/// What decides on somebody's credentials.
#[derive(PartialEq)]
enum Rule<'a> {
    /// Nothing is asked for.
    Open,
    Unwelcome(Denial),
    /// The client is this user without showing anything.
    Nobody(&'a Known),
    /// The nonce must be signed with this user's nkey.
    Nkey(&'a Known),
    /// This user's password must be the one.
    Password(&'a Known),
    /// The single user's password must be.
    Single(&'a str, &'a Secret),
    Token(&'a Secret),
}

impl Rule<'_> {
    fn known(&self) -> Option<&Known> {
        match self {
            Rule::Nobody(known) | Rule::Nkey(known) | Rule::Password(known) => Some(known),
            Rule::Open | Rule::Unwelcome(_) | Rule::Single(..) | Rule::Token(_) => None,
        }
    }

    fn requires_proxy(&self, auth: &Authenticator) -> bool {
        match self {
            Rule::Open | Rule::Unwelcome(_) => false,
            Rule::Single(..) | Rule::Token(_) => auth.proxy_required,
            Rule::Nobody(known) | Rule::Nkey(known) | Rule::Password(known) => {
                known.user.proxy_required
            }
        }
    }

    /// As what the client would be let in.
    fn admission(&self) -> Admission {
        let who = match self {
            Rule::Open | Rule::Unwelcome(_) => Who::Nobody,
            Rule::Nobody(known) | Rule::Nkey(known) | Rule::Password(known) => {
                match &known.user.nkey {
                    Some(nkey) => Who::Nkey(nkey.clone()),
                    None => Who::User(known.user.name.clone()),
                }
            }
            Rule::Single(name, _) => Who::User((*name).to_string()),
            Rule::Token(_) => Who::Token,
        };
        let known = self.known();
        Admission {
            who,
            account: known.and_then(|known| known.account.clone()),
            rights: known.and_then(|known| known.rights.clone()),
            ..Admission::default()
        }
    }
}

/// `rule` for this user, if it may come by such a connection.
fn allowed<'a>(
    known: &'a Known,
    given: &Credentials<'_>,
    rule: impl Fn(&'a Known) -> Rule<'a>,
) -> Rule<'a> {
    if known.may_come_by(given.connection) {
        rule(known)
    } else {
        Rule::Unwelcome(Denial::ConnectionType)
    }
}

fn compare(configured: &Secret, given: &str, admission: Box<Admission>) -> Decision {
    if is_hashed(configured.expose()) {
        let check = PasswordCheck::new(configured, given);
        return Decision::Check { check, admission };
    }
    if same_secret(configured.expose(), given) {
        Decision::Allow(admission)
    } else {
        Decision::Deny(Denial::Credentials)
    }
}
