//! The choice of an interpreter, told through whole directories: each test lays out files and asks.

mod asdf;
mod choice;
mod launcher;
mod mise;
mod pyenv;
mod sandbox;
