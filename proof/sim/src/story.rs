//! story
/// a
pub struct Story; 
/// a
pub struct Town; 
/// a
pub struct Who; 
/// a
pub struct Letter;
