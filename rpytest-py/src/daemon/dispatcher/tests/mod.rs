//! Dialogues with the dispatcher: what happens goes in, what is to be done about it comes out.

mod ending;
mod failing;
mod invariants;
mod keeping;
mod script;
mod serving;
