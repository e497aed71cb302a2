//! JWTs: what was made and judged by the reference's library must be judged alike here, and what follows from
//! claims for accounts and users;
//! which claims of an account count.

mod accounts;
mod admission;
mod fixtures;
mod made;
mod options;
mod properties;
mod templates;
