//! Fuzz targets of machine files: whatever the text is, it is a machine or one error.

use terrace_machine::{BUILTIN, parse};

#[test]
fn arbitrary_texts() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let _ = parse(&String::from_utf8_lossy(bytes), "a machine", &[]);
    });
}

/// Built-in machines with some characters changed.
#[test]
fn damaged_machines() {
    type Damage = (u8, Vec<(u16, char)>);
    bolero::check!().with_type::<Damage>().for_each(|(which, changes)| {
        let mut text: Vec<char> = BUILTIN[usize::from(*which) % BUILTIN.len()].text.chars().collect();
        for (place, value) in changes {
            let place = usize::from(*place) % text.len();
            text[place] = *value;
        }
        let _ = parse(&text.into_iter().collect::<String>(), "a machine", &[]);
    });
}
