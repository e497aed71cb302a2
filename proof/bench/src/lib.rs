//! Instruction counts of the hot path.
