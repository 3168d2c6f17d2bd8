//! The parse tree in a form that can be walked whole: messages with named fields, and nothing
//! else.
//!
//! pg_query has 260 kinds of nodes. A walk that matches on them visits what its author thought of,
//! and a guard fails by what it was not thought of. Here the derived `Serialize` of the generated
//! types drives a serializer, so every field of every message is in the tree, those of future
//! versions too.

use std::fmt;

use serde::Serialize;
use serde::ser::{self, Impossible, SerializeSeq, SerializeStruct};

/// A value in the parse tree. Defaults of the wire format (empty, 0, false) are left out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A node, or a part of one.
    Message(Message),
    /// Repeated nodes.
    List(Vec<Value>),
    /// A name or the text of a constant.
    Text(String),
    /// A number, a location or a value of an enumeration.
    Number(i64),
    /// A switch.
    Flag(bool),
    /// A default.
    Nothing,
}

/// A node of the parse tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    /// The name of pg_query's struct, such as `FuncCall`.
    pub(super) kind: &'static str,
    fields: Vec<(&'static str, Value)>,
}

impl Message {
    /// The tree of a message of pg_query.
    ///
    /// Recurses as deep as the message is nested.
    ///
    /// # Errors
    /// When the message is not made of what protobuf messages are made of.
    pub(super) fn of(message: &impl Serialize) -> Result<Self, Unexpected> {
        match message.serialize(Builder)? {
            Value::Message(message) => Ok(message),
            _ => Err(Unexpected("the tree is not a message".to_owned())),
        }
    }

    /// All fields that are not at their default.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.fields.iter().map(|(name, value)| (*name, value))
    }

    fn field(&self, name: &str) -> &Value {
        self.fields().find(|(found, _)| *found == name).map_or(&Value::Nothing, |(_, value)| value)
    }

    /// The node in a field.
    pub(super) fn message(&self, field: &str) -> Option<&Self> {
        self.field(field).as_message()
    }

    /// The nodes of a list field.
    pub(super) fn messages(&self, field: &str) -> impl Iterator<Item = &Self> {
        let items = match self.field(field) {
            Value::List(items) => items.as_slice(),
            _ => &[],
        };
        items.iter().filter_map(Value::as_message)
    }

    /// The nodes of a list field, taken out.
    pub(super) fn into_messages(self, field: &str) -> Vec<Self> {
        let found = self.fields.into_iter().find(|(name, _)| *name == field);
        let Some((_, Value::List(items))) = found else { return Vec::new() };
        items.into_iter().filter_map(Value::into_message).collect()
    }

    /// The text in a field; empty if there is none.
    pub(super) fn text(&self, field: &str) -> &str {
        match self.field(field) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// The number in a field.
    pub(super) fn number(&self, field: &str) -> i64 {
        match self.field(field) {
            Value::Number(number) => *number,
            _ => 0,
        }
    }

    /// The switch in a field.
    pub(super) fn flag(&self, field: &str) -> bool {
        matches!(self.field(field), Value::Flag(true))
    }

    /// The names in a list field, such as a function's: schema first. What is not a name (a star,
    /// a subscript) is left out.
    pub(super) fn names(&self, field: &str) -> Vec<&str> {
        let strings = self.messages(field).filter(|message| message.kind == "String");
        strings.map(|string| string.text("sval")).collect()
    }

    /// Where the node begins in the text, in bytes; `None` for the many that do not know.
    pub(super) fn location(&self) -> Option<usize> {
        // The first byte of a text has location 0, which is also the default: no harm, since a
        // statement begins with a keyword or parenthesis that carries no verdict of its own.
        usize::try_from(self.number("location")).ok().filter(|location| *location > 0)
    }

    /// The text of a string constant, when the node is one.
    pub(super) fn constant(&self) -> Option<&str> {
        match self.kind {
            "AConst" => {
                self.message("val").filter(|val| val.kind == "String").map(|s| s.text("sval"))
            }
            // 'x'::text
            "TypeCast" => self.message("arg").and_then(Self::constant),
            _ => None,
        }
    }
}

impl Value {
    fn as_message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }

    fn into_message(self) -> Option<Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }

    fn is_default(&self) -> bool {
        match self {
            Self::Message(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Text(text) => text.is_empty(),
            Self::Number(number) => *number == 0,
            Self::Flag(flag) => !flag,
            Self::Nothing => true,
        }
    }
}

/// A message holds something that protobuf has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unexpected(String);

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unexpected {}

impl ser::Error for Unexpected {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn unexpected<T>(what: &str) -> Result<T, Unexpected> {
    Err(Unexpected(format!("unexpected {what} in the parse tree")))
}

/// Makes a [`Value`] of what derived `Serialize` implementations hand over.
struct Builder;

/// A message under construction.
struct Fields {
    message: Message,
}

/// A list under construction.
struct Items(Vec<Value>);

impl SerializeStruct for Fields {
    type Ok = Value;
    type Error = Unexpected;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unexpected> {
        let value = value.serialize(Builder)?;
        if !value.is_default() {
            self.message.fields.push((name, value));
        }
        Ok(())
    }

    fn end(mut self) -> Result<Value, Unexpected> {
        // `Node` is a wrapper around one of the others.
        if self.message.kind == "Node" {
            return Ok(self.message.fields.pop().map_or(Value::Nothing, |(_, value)| value));
        }
        Ok(Value::Message(self.message))
    }
}

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = Unexpected;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unexpected> {
        self.0.push(value.serialize(Builder)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Unexpected> {
        Ok(Value::List(self.0))
    }
}

/// Numbers of any width.
macro_rules! numbers {
    ($($name:ident: $type:ty),*) => {
        $(fn $name(self, value: $type) -> Result<Value, Unexpected> {
            i64::try_from(value).map(Value::Number).or_else(|_| unexpected("number"))
        })*
    };
}

impl ser::Serializer for Builder {
    type Ok = Value;
    type Error = Unexpected;
    type SerializeSeq = Items;
    type SerializeTuple = Impossible<Value, Unexpected>;
    type SerializeTupleStruct = Impossible<Value, Unexpected>;
    type SerializeTupleVariant = Impossible<Value, Unexpected>;
    type SerializeMap = Impossible<Value, Unexpected>;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Impossible<Value, Unexpected>;

    numbers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    );

    fn serialize_bool(self, value: bool) -> Result<Value, Unexpected> {
        Ok(Value::Flag(value))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Unexpected> {
        Ok(Value::Text(value.to_owned()))
    }

    fn serialize_none(self) -> Result<Value, Unexpected> {
        Ok(Value::Nothing)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Unexpected> {
        value.serialize(Self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<Value, Unexpected> {
        value.serialize(Self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, Unexpected> {
        Ok(Items(Vec::with_capacity(len.unwrap_or(0))))
    }

    fn serialize_struct(self, kind: &'static str, _len: usize) -> Result<Fields, Unexpected> {
        Ok(Fields { message: Message { kind, fields: Vec::new() } })
    }

    fn serialize_f32(self, _: f32) -> Result<Value, Unexpected> {
        unexpected("float")
    }

    // Costs of plan nodes, which a raw parse tree has not: their default.
    fn serialize_f64(self, value: f64) -> Result<Value, Unexpected> {
        if value == 0.0 { Ok(Value::Nothing) } else { unexpected("float") }
    }

    fn serialize_char(self, _: char) -> Result<Value, Unexpected> {
        unexpected("character")
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Value, Unexpected> {
        unexpected("bytes")
    }

    fn serialize_unit(self) -> Result<Value, Unexpected> {
        unexpected("unit")
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Value, Unexpected> {
        unexpected(name)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, Unexpected> {
        unexpected(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _value: &T,
    ) -> Result<Value, Unexpected> {
        unexpected(name)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unexpected> {
        unexpected("tuple")
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleStruct, Unexpected> {
        unexpected(name)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, Unexpected> {
        unexpected(variant)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unexpected> {
        unexpected("map")
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, Unexpected> {
        unexpected(variant)
    }
}
