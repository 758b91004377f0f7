//! The reporters: one contract for all of them, and what each one writes.

mod contract;
mod json_lines;
mod junit;
mod junit_reader;
mod progress;
mod shapes;
mod xml;
