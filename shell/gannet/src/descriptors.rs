//! How many connections the operating system lets this process have.

use gannet_rt::unix::{Resource, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one: each connection is a file, and the soft limit is
/// low as a rule for the sake of programs that can't deal with more.
pub(crate) fn raise_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // Fewer connections then; accepting says so when it comes to that.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
