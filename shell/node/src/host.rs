//! The process around a server, as far as the monitoring pages tell of it. Not here: the process.

use std::fmt;

use gannet_config::Options;

/// What a server asks its owner for. Nothing of it is needed to run. The calls may take a while.
pub trait Host: fmt::Debug + Send + Sync {
    /// What a reload would take over now: the configuration, read anew. The error is the reasons why there is
    /// none, one to a line.
    fn configuration(&self) -> Result<Configuration, Vec<String>>;

    /// The command line, without secrets.
    fn command_line(&self) -> Vec<String>;
}

/// A configuration that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// What it says.
    pub options: Options,
    /// What is not quite right, one to a line.
    pub warnings: Vec<String>,
}
