//! Items → tree, with includes and variables.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Map, Node, Value, Variable, number};
use crate::error::{ConfigError, Place};
use crate::lex::{Item, Kind, Lexer, MAX_DEPTH};
use crate::source::Source;
use crate::text::path;

/// Files may include files this deep.
const MAX_INCLUDE_DEPTH: usize = 32;
/// A configuration may include this many files in all.
const MAX_INCLUDES: usize = 4096;
/// What variables may copy in all, so that a few lines cannot fill the memory.
const MAX_COPIED_BYTES: usize = 64 << 20;

/// The raw tree of `text`. `file` names it in messages, and files that it includes are looked for in
/// the directory of that name.
pub fn parse(text: &[u8], file: &str, source: &dyn Source) -> Result<Map, ConfigError> {
    Parser::new(text, file, &mut World::new(source)).run()
}

/// The raw tree of the file at `path`.
pub(crate) fn parse_file(path: &str, source: &dyn Source) -> Result<Map, ConfigError> {
    World::new(source).file(path)
}

/// What one configuration's files share.
struct World<'a> {
    source: &'a dyn Source,
    /// The files being read, from the outermost.
    open: Vec<String>,
    /// The variables of the environment being read.
    variables: Vec<String>,
    included: usize,
    copied: usize,
}

impl<'a> World<'a> {
    fn new(source: &'a dyn Source) -> World<'a> {
        World {
            source,
            open: Vec::new(),
            variables: Vec::new(),
            included: 0,
            copied: 0,
        }
    }

    fn file(&mut self, path: &str) -> Result<Map, ConfigError> {
        if self.open.iter().any(|open| open == path) {
            return Err(ConfigError::Malformed(format!(
                "include cycle for '{path}'"
            )));
        }
        self.included += 1;
        if self.open.len() > MAX_INCLUDE_DEPTH || self.included > MAX_INCLUDES {
            return Err(ConfigError::Malformed("too many include files".to_string()));
        }
        let text = self.source.read(path).map_err(ConfigError::Unreadable)?;
        self.open.push(path.to_string());
        let map = Parser::new(&text, path, self).run();
        self.open.pop();
        map
    }

    /// The value of the environment variable `name`, which is itself a configuration value.
    fn variable(&mut self, name: &str) -> Result<Option<Value>, ConfigError> {
        /// The key that the value is read under.
        const KEY: &str = "pk";
        if self.variables.iter().any(|open| open == name) {
            return Err(ConfigError::VariableCycle(name.to_string()));
        }
        if self.variables.len() >= MAX_INCLUDE_DEPTH {
            return Err(ConfigError::Malformed(
                "too many nested variables".to_string(),
            ));
        }
        let Some(text) = self.source.env(name) else {
            return Ok(None);
        };
        self.variables.push(name.to_string());
        let map = Parser::new(format!("{KEY}={text}").as_bytes(), "", self).run();
        self.variables.pop();
        let mut entries = map?.into_entries();
        let found = entries.find(|(key, _)| **key == *KEY);
        Ok(found.map(|(_, node)| node.value))
    }
}

/// A map or array whose end has not been read.
enum Open {
    Map(Map),
    Array(Vec<Node>),
}

struct Parser<'p, 'w> {
    lexer: Lexer<'p>,
    file: Arc<str>,
    world: &'p mut World<'w>,
    open: Vec<Open>,
    /// Keys whose value has not been read, with their places.
    keys: Vec<(Box<str>, Place)>,
}

impl<'p, 'w> Parser<'p, 'w> {
    fn new(text: &'p [u8], file: &str, world: &'p mut World<'w>) -> Parser<'p, 'w> {
        Parser {
            lexer: Lexer::new(text),
            file: file.into(),
            world,
            open: alloc::vec![Open::Map(Map::default())],
            keys: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Map, ConfigError> {
        let mut after_key = false;
        loop {
            let item = self.lexer.item()?;
            if item.kind == Kind::End {
                if after_key {
                    return Err(ConfigError::Incomplete(self.place(&item)));
                }
                break;
            }
            // A last brace too many is forgiven; read as a key, it has no value.
            after_key = item.kind == Kind::Key && item.text != "}";
            self.take(item)?;
        }
        // A file may end inside the braces around it, but not inside a map or array: the lexer sees
        // to that. So what is open is the file itself.
        match self.open.into_iter().next() {
            Some(Open::Map(map)) => Ok(map),
            _ => Ok(Map::default()),
        }
    }

    fn place(&self, item: &Item) -> Place {
        Place {
            file: self.file.clone(),
            line: item.line,
            column: item.column,
        }
    }

    fn take(&mut self, item: Item) -> Result<(), ConfigError> {
        let place = self.place(&item);
        let value = match item.kind {
            Kind::Key => {
                self.keys.push((item.text.into(), place));
                return Ok(());
            }
            Kind::MapStart => {
                self.open.push(Open::Map(Map::default()));
                return Ok(());
            }
            Kind::ArrayStart => {
                self.open.push(Open::Array(Vec::new()));
                return Ok(());
            }
            Kind::MapEnd | Kind::ArrayEnd => match self.open.pop() {
                Some(Open::Map(mut map)) => {
                    map.close();
                    Value::Map(map)
                }
                Some(Open::Array(mut nodes)) => {
                    nodes.shrink_to_fit();
                    Value::Array(nodes)
                }
                None => return Ok(()),
            },
            Kind::Include => return self.include(&item),
            Kind::Variable => {
                let (value, variable) = self.variable(item)?;
                let mut node = Node::new(value, place);
                node.variable = variable.map(Arc::new);
                return self.put(node);
            }
            Kind::Text => Value::Text(item.text),
            Kind::Integer => number::integer(&item.text)?,
            Kind::Float => number::float(&item.text)?,
            Kind::Datetime => number::datetime(&item.text)?,
            Kind::Bool => Value::Bool(matches!(
                item.text.to_ascii_lowercase().as_str(),
                "true" | "yes" | "on"
            )),
            Kind::End => return Ok(()),
        };
        self.put(Node::new(value, place))
    }

    /// Puts a value where it belongs. In a map it takes the place of its key, which is where a user
    /// looks.
    fn put(&mut self, mut node: Node) -> Result<(), ConfigError> {
        match self.open.last_mut() {
            Some(Open::Array(nodes)) => nodes.push(node),
            Some(Open::Map(map)) => {
                let Some((key, place)) = self.keys.pop() else {
                    let text = "Unexpected value without a key.".to_string();
                    return Err(ConfigError::Syntax {
                        line: node.place.line,
                        text,
                    });
                };
                node.place = place;
                map.insert(key, node);
            }
            None => {}
        }
        Ok(())
    }

    fn include(&mut self, item: &Item) -> Result<(), ConfigError> {
        let path = path::join(&path::directory(&self.file), &item.text);
        let wrapped = |error| ConfigError::Include {
            path: item.text.clone(),
            error: Box::new(error),
        };
        let map = self.world.file(&path).map_err(wrapped)?;
        for (key, node) in map.into_entries() {
            self.check_depth(&node.value, item.line)?;
            self.keys.push((key, node.place.clone()));
            self.put(node)?;
        }
        Ok(())
    }

    /// What `$name` stands for: a key read before in this map or one around it, or else a variable of
    /// the environment; and which of them it was.
    fn variable(&mut self, item: Item) -> Result<(Value, Option<Variable>), ConfigError> {
        let (name, line) = (item.text, item.line);
        // A bcrypt hash may stand without quotes.
        if name.starts_with("2a$") {
            return Ok((Value::Text(format!("${name}")), None));
        }
        let known = self.open.iter_mut().rev().find_map(|open| match open {
            Open::Map(map) => map.get_mut(&name),
            Open::Array(_) => None,
        });
        let (value, place) = match known {
            Some(node) => {
                node.referenced = true;
                (node.value.clone(), Some(node.place.clone()))
            }
            None => match self.world.variable(&name) {
                Ok(Some(value)) => (value, None),
                Ok(None) => return Err(ConfigError::VariableMissing { name, line }),
                Err(error) => {
                    let error = Box::new(error);
                    return Err(ConfigError::VariableBroken { name, line, error });
                }
            },
        };
        let (_, bytes) = value.measure();
        self.world.copied += bytes;
        if self.world.copied > MAX_COPIED_BYTES {
            return Err(ConfigError::Malformed(
                "variables stand for too much".to_string(),
            ));
        }
        self.check_depth(&value, line)?;
        Ok((value, Some(Variable { name, place })))
    }

    /// Refuses to put a value so deep that the tree could not be walked safely.
    fn check_depth(&self, value: &Value, line: u32) -> Result<(), ConfigError> {
        let (depth, _) = value.measure();
        if self.open.len() + depth > MAX_DEPTH + 1 {
            return Err(ConfigError::Syntax {
                line,
                text: "Nested too deep.".to_string(),
            });
        }
        Ok(())
    }
}
