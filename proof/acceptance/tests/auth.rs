//! Logging in with what the configuration file holds: users with passwords, tokens, bcrypt hashes, accounts.

use gannet_acceptance::{Server, Wire, both, play};
use serde_json::{Value, json};

/// Tries every CONNECT on its own connection: `true` where a PING is answered.
fn check_logins(server: &Server, logins: &[(Value, bool)]) {
    for (connect, welcome) in logins {
        let mut wire = Wire::open(&server.client_address());
        assert_eq!(wire.info()["auth_required"], true);
        wire.send(&format!(
            "CONNECT {}\r\nPING\r\n",
            gannet_acceptance::wire::quiet_connect(connect)
        ));
        if *welcome {
            wire.expect("PONG");
        } else {
            wire.expect("-ERR 'Authorization Violation'");
            wire.expect_closed();
        }
    }
}

/// A bcrypt hash at the lowest cost, to keep the test quick.
fn hash(password: &str) -> String {
    bcrypt::hash(password, 4)
        .expect("bcrypt takes short passwords")
        .replace("$2b$", "$2a$")
}

both! {
    /// One user.
    #[test]
    fn single_user(kind: Kind) {
        for config in [
            "authorization { user: bob, password: pw }",
            "authorization { username: bob, pass: pw }",
            "authorization: { users: [ { user: bob, password: pw } ] }",
        ] {
            check_logins(&Server::start(kind, config), &[
                (json!({"user": "bob", "pass": "pw"}), true),
                (json!({"user": "bob", "pass": "PW"}), false),
                (json!({"user": "bob", "pass": "pw "}), false),
                (json!({"user": "Bob", "pass": "pw"}), false),
                (json!({"user": "bob"}), false),
                (json!({}), false),
                (json!({"auth_token": "pw"}), false),
            ]);
        }
    }

    /// Several users, with clear and hashed passwords.
    #[test]
    fn users_list(kind: Kind) {
        let config = format!(
            "authorization {{ users: [ {{user: a, password: pa}}, {{user: b, password: \"{}\"}}, {{user: c, password: {}}} ] }}",
            hash("pb"),
            hash("pc")
        );
        check_logins(&Server::start(kind, &config), &[
            (json!({"user": "a", "pass": "pa"}), true),
            (json!({"user": "b", "pass": "pb"}), true),
            (json!({"user": "c", "pass": "pc"}), true),
            (json!({"user": "b", "pass": "pc"}), false),
            (json!({"user": "a", "pass": "pb"}), false),
            (json!({"user": "b", "pass": hash("pb")}), false),
            (json!({"user": "d", "pass": "pa"}), false),
        ]);
    }

    /// One user with a hash.
    #[test]
    fn single_user_with_bcrypt(kind: Kind) {
        let config = format!("authorization {{ user: bob, password: \"{}\" }}", hash("pw"));
        check_logins(&Server::start(kind, &config), &[
            (json!({"user": "bob", "pass": "pw"}), true),
            (json!({"user": "bob", "pass": "pv"}), false),
        ]);
    }

    /// A token, clear or hashed.
    #[test]
    fn token(kind: Kind) {
        for (token, said) in [("s3cr3t".to_owned(), "s3cr3t"), (hash("s3cr3t"), "s3cr3t")] {
            check_logins(&Server::start(kind, &format!("authorization {{ token: \"{token}\" }}")), &[
                (json!({"auth_token": said}), true),
                (json!({"auth_token": "other"}), false),
                (json!({"auth_token": ""}), false),
                (json!({}), false),
                (json!({"user": said}), false),
            ]);
        }
    }

    /// The flags of the command line for one user or a token.
    #[test]
    fn credentials_from_flags(kind: Kind) {
        check_logins(&Server::start_with(kind, "", &["--user", "u", "--pass", "p"]), &[
            (json!({"user": "u", "pass": "p"}), true),
            (json!({"user": "u", "pass": "x"}), false),
        ]);
        check_logins(&Server::start_with(kind, "", &["-auth", "tok"]), &[
            (json!({"auth_token": "tok"}), true),
            (json!({"auth_token": "x"}), false),
        ]);
    }
}

both! {
    /// Reply permission that comes with a request: `allow_responses`.
    #[test]
    fn responses_are_allowed_once(kind: Kind) {
        let server = Server::start(kind, r#"authorization { users: [
            {user: s, password: p, permissions: {subscribe: "svc", publish: {deny: ">"}, allow_responses: true}}
            {user: c, password: p}
        ] }"#);
        play(&server, r#"
            s connect {"user":"s","pass":"p"}
            s> SUB svc 1
            s fence
            c connect {"user":"c","pass":"p"}
            c> SUB in.* 1
            c>> PUB svc in.1 0\r\n\r\n
            s< MSG svc 1 in.1 0
            s< 
            s>> PUB in.1 1\r\nx\r\n
            c< MSG in.1 1 1
            c< x
            s>> PUB in.1 1\r\nx\r\n
            s< -ERR 'Permissions Violation for Publish to "in.1"'
            s>> PUB in.2 1\r\nx\r\n
            s< -ERR 'Permissions Violation for Publish to "in.2"'
            c fence
        "#);
    }
}

both! {
    /// Users of accounts: subjects of one account are not those of another.
    #[test]
    fn accounts_keep_apart(kind: Kind) {
        let server = Server::start(kind, "accounts { A { users: [{user: a, password: p}] }, B { users: [{user: b, password: p}] } }");
        play(&server, r#"
            a connect {"user":"a","pass":"p"}
            b connect {"user":"b","pass":"p"}
            a> SUB > 1
            b> SUB foo 1
            a fence
            b fence
            b>> PUB foo 1\r\nx\r\n
            b< MSG foo 1 1
            b< x
            b fence
            a fence
            a>> PUB foo 1\r\ny\r\n
            a< MSG foo 1 1
            a< y
            a fence
            b fence
        "#);
    }

    /// A user that nobody logs in as takes those who say nothing; wrong words are still wrong.
    #[test]
    fn no_auth_user(kind: Kind) {
        let server = Server::start(kind, "accounts { A { users: [{user: a, password: p}] } }\nno_auth_user: a");
        play(&server, r#"
            w connect {"user":"a","pass":"p"}
            w> SUB foo 1
            w fence
            a connect
            a>> PUB foo 1\r\nx\r\n
            w< MSG foo 1 1
            w< x
            b> CONNECT {"verbose":false,"user":"a","pass":"wrong"}
            b< -ERR 'Authorization Violation'
            b closed
        "#);
    }
}
