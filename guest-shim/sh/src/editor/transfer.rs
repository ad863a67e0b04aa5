//! What another instance of the shell, a part of a pipeline for example, gets of the editor: the last of its commands, for
//! `history`.

use std::{cell::RefCell, rc::Rc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Editor;

/// So many bytes of commands are handed on.
const MAX_BYTES: usize = 64 * 1024;

type Kept = Option<Rc<RefCell<Editor>>>;

pub fn serialize<S: Serializer>(editor: &Kept, serializer: S) -> Result<S::Ok, S::Error> {
    let commands = editor.as_ref().map(|editor| {
        let mut commands = editor.borrow().commands();
        let mut room = MAX_BYTES;
        let fit = commands.iter().rev().take_while(|command| {
            let left = room.checked_sub(command.len());
            room = left.unwrap_or(0);
            left.is_some()
        });
        let fit = fit.count();
        commands.split_off(commands.len() - fit)
    });
    commands.serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kept, D::Error> {
    let commands = Option::<Vec<String>>::deserialize(deserializer)?;
    Ok(commands.map(|commands| {
        let mut editor = Editor::new();
        commands.iter().for_each(|command| editor.remember(command));
        Rc::new(RefCell::new(editor))
    }))
}
