//! Transforms: a destination of any spelling is taken or refused, what is taken can be carried out on any subject,
//! and what may be imported can be undone.

use gannet_subject::Transform;

/// Reads the first two lines as source and destination, and applies them to every other line.
pub fn transform(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut side = || std::str::from_utf8(lines.next()?).ok();
    let (Some(source), Some(destination)) = (side(), side()) else {
        return;
    };
    if let Ok(import) = Transform::import(source, destination) {
        assert!(import.inverse().is_some(), "{import} can be undone");
    }
    let Ok(mapping) = Transform::mapping(source, destination) else {
        return;
    };
    for subject in lines {
        let mut out = b"in front".to_vec();
        let is_taken = mapping.apply(subject, &mut |below| below - 1, &mut out);
        assert!(out.starts_with(b"in front"), "what was there stays");
        assert_eq!(is_taken, mapping.takes(subject));
        assert!(
            is_taken || out.len() == 8,
            "nothing is written of what is not taken"
        );
        // Each function writes a token at most twice over, or a number.
        let bound = destination.len() * (2 * subject.len() + 10);
        assert!(out.len() <= 8 + bound, "{} bytes", out.len());
    }
}
