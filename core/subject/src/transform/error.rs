//! Why two subjects make no transform, in the reference server's words. Not here: the checks.

use alloc::string::String;

/// Why a source and a destination make no [`Transform`](super::Transform).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// One side is no subject, or the two do not go together: only one of them ends in `>`, or the destination has
    /// a `*` of its own.
    #[error("invalid subject")]
    InvalidSubject,
    /// The destination is no subject; in which token, if that says anything.
    #[error("invalid mapping destination: invalid transform{}", at(.0))]
    InvalidDestination(String),
    /// The token between braces names no function.
    #[error("invalid mapping destination: unknown function{}", at(.0))]
    UnknownFunction(String),
    /// The token asks for a wildcard that the source does not have.
    #[error("invalid mapping destination: wildcard index out of range{}", at(.0))]
    IndexOutOfRange(String),
    /// The token's function wants more arguments.
    #[error("invalid mapping destination: not enough arguments passed to the function{}", at(.0))]
    NotEnoughArguments(String),
    /// The token's function wants fewer arguments.
    #[error("invalid mapping destination: too many arguments passed to the function{}", at(.0))]
    TooManyArguments(String),
    /// An argument in the token is no number, or a delimiter that no token can hold.
    #[error(
        "invalid mapping destination: function argument is invalid or in the wrong format{}",
        at(.0)
    )]
    InvalidArgument(String),
    /// The token's function cannot be undone.
    #[error(
        "invalid mapping destination: the only mapping function allowed for import transforms is {{{{Wildcard()}}}}{}",
        at(.0)
    )]
    NotForImport(String),
    /// The destination leaves wildcards of the source out.
    #[error("invalid mapping destination: not using all of the token wildcard(s){}", at(.0))]
    UnusedWildcards(String),
}

fn at(place: &str) -> String {
    let mut text = String::new();
    if !place.is_empty() {
        text.push_str(" in ");
        text.push_str(place);
    }
    text
}
