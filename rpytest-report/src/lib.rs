//! Test events rendered as text, progress and JUnit XML.
