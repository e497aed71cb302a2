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

/// Shown in place of a token.
const TOKEN_USER: &str = "[REDACTED]";

impl Authenticator {
    /// Decides by `options`.
    pub fn new(options: AuthOptions) -> Authenticator {
        Authenticator { options }
    }

    /// Whether credentials are asked for at all.
    pub fn required(&self) -> bool {
        self.options.required()
    }

    /// How the log names whoever showed these credentials; never a secret.
    pub fn name(&self, given: &Credentials<'_>) -> String {
        if given.user.is_empty() {
            String::new()
        } else {
            quoted(given.user)
        }
    }

    /// Decides. With several kinds configured, the list of users comes first, then the token, then the
    /// single user, as the reference server has it.
    pub fn decide(&self, given: &Credentials<'_>) -> Decision {
        if !self.required() {
            return Decision::Allow {
                user: String::new(),
            };
        }
        if let Some(users) = self.options.users.as_deref().filter(|u| !u.is_empty()) {
            return match users.iter().find(|u| u.name == given.user) {
                Some(user) => compare(&user.password, given.password, &user.name),
                None => Decision::Deny,
            };
        }
        if let Some(token) = &self.options.token {
            return compare(token, given.token, TOKEN_USER);
        }
        match &self.options.user {
            Some(name) if name == given.user => {
                compare(&self.options.password, given.password, name)
            }
            _ => Decision::Deny,
        }
    }
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
            },
            // bcrypt of "secret" at the lowest cost.
            User {
                name: "h".into(),
                password: Secret::new(bcrypt::hash("secret", 4).expect("hashes")),
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
    fn debug_output_of_credentials_shows_no_secret() {
        let shown = alloc::format!("{:?}", given("bob", "pw-secret", "tok-secret"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
