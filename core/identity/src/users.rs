//! Users, passwords and tokens from the configuration, and the decision on a client's credentials.

use alloc::string::{String, ToString};

use gannet_config::{AuthOptions, Secret};

use crate::password::{PasswordCheck, is_hashed, quoted, same_secret};

/// What a client shows of itself.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// User name.
    pub user: &'a str,
    /// Password.
    pub password: &'a str,
    /// Token.
    pub token: &'a str,
}

impl Credentials<'_> {
    fn is_empty(&self) -> bool {
        self.user.is_empty() && self.password.is_empty() && self.token.is_empty()
    }
}

impl core::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// The answer to credentials.
#[derive(Debug)]
pub enum Decision {
    /// Welcome, as this user (empty where users don't matter).
    Allow {
        /// The name that monitoring shows.
        user: String,
    },
    /// No.
    Deny,
    /// It depends on slow work: allow as `user` if it says yes.
    Check {
        /// The work.
        check: PasswordCheck,
        /// The name that monitoring shows.
        user: String,
    },
}

/// Decides on credentials by the configured users.
#[derive(Clone, Debug)]
pub struct Authenticator {
    options: AuthOptions,
}

/// The name of whoever shows a token, in its place.
pub const TOKEN_USER: &str = "[REDACTED]";

impl Authenticator {
    /// Decides by `options`.
    pub fn new(options: AuthOptions) -> Authenticator {
        Authenticator { options }
    }

    /// Whether credentials are asked for at all.
    pub fn required(&self) -> bool {
        self.options.required()
    }

    /// Whether a client may show no credentials although they are asked for.
    pub fn takes_nobody(&self) -> bool {
        self.required() && self.options.no_auth_user.is_some()
    }

    /// The decision on a client that shows no credentials, if there is a user that it could be. A hashed
    /// password can be shown by nobody else, as the reference server has it.
    fn nobody(&self) -> Option<Rule<'_>> {
        let name = self.options.no_auth_user.as_ref()?;
        let mut users = self.options.users.iter().flatten();
        let user = users.find(|user| user.name == *name)?;
        Some(if is_hashed(user.password.expose()) {
            Rule::Unwelcome
        } else {
            Rule::Welcome(name)
        })
    }

    /// How the log names whoever showed these credentials; never a secret.
    pub fn name(&self, given: &Credentials<'_>) -> String {
        if !given.user.is_empty() {
            quoted(given.user)
        } else if !given.token.is_empty() {
            "Token \"[REDACTED]\"".into()
        } else {
            String::new()
        }
    }

    /// Decides. With several kinds configured, the list of users comes first, then the token, then the
    /// single user, as the reference server has it.
    pub fn decide(&self, given: &Credentials<'_>) -> Decision {
        match self.rule(given) {
            Rule::Welcome(user) => Decision::Allow {
                user: user.to_string(),
            },
            Rule::Unwelcome => Decision::Deny,
            Rule::Password(secret, user) => compare(secret, given.password, user),
            Rule::Token(secret) => compare(secret, given.token, TOKEN_USER),
        }
    }

    /// Whether these credentials are to be looked at again where this takes the place of `before`, by which
    /// they were found right.
    pub fn differs_for(&self, given: &Credentials<'_>, before: &Authenticator) -> bool {
        self.rule(given) != before.rule(given)
    }

    /// Whether users are listed, and there is one of this name.
    pub fn lists(&self, user: &str) -> bool {
        let mut users = self.options.users.iter().flatten();
        users.any(|known| known.name == user)
    }

    /// What decides on these credentials.
    fn rule(&self, given: &Credentials<'_>) -> Rule<'_> {
        if !self.required() {
            return Rule::Welcome("");
        }
        if let Some(users) = self.options.users.as_deref().filter(|u| !u.is_empty()) {
            if let Some(nobody) = self.nobody().filter(|_| given.is_empty()) {
                return nobody;
            }
            return match users.iter().find(|u| u.name == given.user) {
                Some(user) => Rule::Password(&user.password, &user.name),
                None => Rule::Unwelcome,
            };
        }
        if let Some(token) = &self.options.token {
            return Rule::Token(token);
        }
        match &self.options.user {
            Some(name) if name == given.user => Rule::Password(&self.options.password, name),
            _ => Rule::Unwelcome,
        }
    }
}

/// What decides on somebody's credentials.
#[derive(PartialEq, Eq)]
enum Rule<'a> {
    /// All is well, as this user.
    Welcome(&'a str),
    Unwelcome,
    /// This user's password must be the one.
    Password(&'a Secret, &'a str),
    Token(&'a Secret),
}

fn compare(configured: &Secret, given: &str, user: &str) -> Decision {
    if is_hashed(configured.expose()) {
        return Decision::Check {
            check: PasswordCheck::new(configured, given),
            user: user.to_string(),
        };
    }
    if same_secret(configured.expose(), given) {
        Decision::Allow {
            user: user.to_string(),
        }
    } else {
        Decision::Deny
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use gannet_config::User;

    fn given<'a>(user: &'a str, password: &'a str, token: &'a str) -> Credentials<'a> {
        Credentials {
            user,
            password,
            token,
        }
    }

    fn verdict(auth: &Authenticator, c: Credentials<'_>) -> Option<String> {
        match auth.decide(&c) {
            Decision::Allow { user } => Some(user),
            Decision::Deny => None,
            Decision::Check { check, user } => check.run().then_some(user),
        }
    }

    #[test]
    fn nobody_is_asked_where_nothing_is_configured() {
        let auth = Authenticator::new(AuthOptions::default());
        assert!(!auth.required());
        assert_eq!(verdict(&auth, given("", "", "")).as_deref(), Some(""));
    }

    #[test]
    fn who_shows_nothing_is_the_user_that_is_named_for_that() {
        let users = ["a", "b", "hashed"].map(|name| User {
            name: name.into(),
            password: match name {
                "hashed" => {
                    Secret::new("$2a$04$P/.bd.7unw9Ew7yWJqXsl.f4oNRLQGvadEL2YnqQXbbb.IVQajRdK")
                }
                _ => Secret::new("pw"),
            },
            ..User::default()
        });
        for (nobody, credentials, want) in [
            (Some("a"), given("", "", ""), Some("a")),
            (Some("a"), given("b", "pw", ""), Some("b")),
            (Some("a"), given("a", "", ""), None),
            (Some("a"), given("", "pw", ""), None),
            (Some("a"), given("", "", "t"), None),
            (Some("hashed"), given("", "", ""), None),
            (None, given("", "", ""), None),
        ] {
            let auth = Authenticator::new(AuthOptions {
                users: Some(users.to_vec()),
                no_auth_user: nobody.map(Into::into),
                ..AuthOptions::default()
            });
            assert_eq!(auth.takes_nobody(), nobody.is_some());
            assert_eq!(
                verdict(&auth, credentials).as_deref(),
                want,
                "{nobody:?} {credentials:?}"
            );
        }
    }

    #[test]
    fn users_tokens_and_the_single_user() {
        let mut options = AuthOptions {
            user: Some("bob".into()),
            password: Secret::new("pw"),
            ..AuthOptions::default()
        };
        let auth = Authenticator::new(options.clone());
        assert_eq!(
            verdict(&auth, given("bob", "pw", "")).as_deref(),
            Some("bob")
        );
        assert_eq!(verdict(&auth, given("bob", "no", "")), None);
        assert_eq!(verdict(&auth, given("", "", "")), None);
        options.user = None;
        options.token = Some(Secret::new("t0k"));
        let auth = Authenticator::new(options.clone());
        assert_eq!(
            verdict(&auth, given("", "", "t0k")).as_deref(),
            Some("[REDACTED]")
        );
        assert_eq!(verdict(&auth, given("", "", "t0")), None);
        options.token = None;
        options.users = Some(vec![
            User {
                name: "a".into(),
                password: Secret::new("1"),
                ..User::default()
            },
            // bcrypt of "secret" at the lowest cost.
            User {
                name: "h".into(),
                password: Secret::new(bcrypt::hash("secret", 4).expect("hashes")),
                ..User::default()
            },
        ]);
        let auth = Authenticator::new(options);
        assert_eq!(verdict(&auth, given("a", "1", "")).as_deref(), Some("a"));
        assert_eq!(
            verdict(&auth, given("h", "secret", "")).as_deref(),
            Some("h")
        );
        assert_eq!(verdict(&auth, given("h", "wrong", "")), None);
        assert_eq!(verdict(&auth, given("x", "1", "")), None);
    }

    #[test]
    fn only_those_whom_a_change_concerns_are_looked_at_again() {
        let users = |list: &[(&str, &str)]| {
            let users = list.iter().map(|(name, password)| User {
                name: (*name).into(),
                password: Secret::new(*password),
                ..User::default()
            });
            Authenticator::new(AuthOptions {
                users: Some(users.collect()),
                ..AuthOptions::default()
            })
        };
        let before = users(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let after = users(&[("a", "1"), ("b", "9")]);
        let token = Authenticator::new(AuthOptions {
            token: Some(Secret::new("t")),
            ..AuthOptions::default()
        });
        let open = Authenticator::new(AuthOptions::default());
        for (credentials, now, was, differs) in [
            (given("a", "1", ""), &after, &before, false),
            (given("b", "2", ""), &after, &before, true),
            (given("c", "3", ""), &after, &before, true),
            (given("", "", "t"), &token, &token, false),
            (given("", "", "t"), &token, &open, true),
            (given("a", "1", ""), &open, &before, true),
            (given("", "", ""), &open, &open, false),
        ] {
            assert_eq!(
                now.differs_for(&credentials, was),
                differs,
                "{credentials:?}"
            );
        }
        assert!(after.lists("a") && !after.lists("c") && !token.lists(""));
    }

    #[test]
    fn debug_output_of_credentials_shows_no_secret() {
        let shown = alloc::format!("{:?}", given("bob", "pw-secret", "tok-secret"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
