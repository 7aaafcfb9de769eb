//! JAAS: the one login module of `sasl.jaas.config`, or of a section of a JAAS file. Not here: what its options mean.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use crate::settings::MASK;

/// The section that Kafka's clients log in by.
const SECTION: &str = "KafkaClient";

/// A login module and its options. They hold secrets, so nobody shows them.
pub(super) struct Module {
    /// The class without its package: some clients come with packages of another name.
    pub(super) class: String,
    options: BTreeMap<String, String>,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {MASK}", self.class)
    }
}

impl Module {
    /// The option, where it is given.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// The options whose names begin so, without that beginning.
    pub(super) fn options(&self, beginning: &str) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().filter_map(move |(name, value)| Some((name.strip_prefix(beginning)?, value.as_str())))
    }
}

/// Reads `Class FLAG NAME="VALUE" … ;`. What is wrong is said without any value.
pub(super) fn line(text: &str) -> Result<Module, String> {
    let mut tokens = Tokens(text.chars().peekable());
    let module = module(&mut tokens)?;
    match tokens.next()? {
        None => Ok(module),
        Some(_) => Err("only one login module can be given, ended by ;".to_owned()),
    }
}

/// Reads the section of Kafka's clients out of a JAAS file: `NAME { Class FLAG NAME="VALUE" … ; };`.
pub(super) fn section(text: &str) -> Result<Module, String> {
    let mut tokens = Tokens(text.chars().peekable());
    while let Some(token) = tokens.next()? {
        let Token::Word(name) = token else { return Err("a section's name belongs before {".to_owned()) };
        if tokens.next()? != Some(Token::Mark('{')) {
            return Err("{ belongs behind a section's name".to_owned());
        }
        let mut modules = Vec::new();
        while !tokens.skip('}') {
            modules.push(module(&mut tokens)?);
        }
        tokens.skip(';');
        if name == SECTION {
            let mut modules = modules.into_iter();
            return match (modules.next(), modules.next()) {
                (Some(module), None) => Ok(module),
                _ => Err(format!("{SECTION} must have one login module, no more and no less")),
            };
        }
    }
    Err(format!("it has no section {SECTION}"))
}

fn module(tokens: &mut Tokens<'_>) -> Result<Module, String> {
    let Some(Token::Word(class)) = tokens.next()? else {
        return Err("a login module's class belongs at its beginning".to_owned());
    };
    let flags = ["required", "requisite", "sufficient", "optional"];
    match tokens.next()? {
        Some(Token::Word(flag)) if flags.contains(&flag.to_ascii_lowercase().as_str()) => {}
        _ => return Err(format!("one of {} belongs behind the login module's class", flags.join(", "))),
    }
    let mut options = BTreeMap::new();
    loop {
        match tokens.next()? {
            Some(Token::Mark(';')) => break,
            Some(Token::Word(name)) => {
                if tokens.next()? != Some(Token::Mark('=')) {
                    return Err(
                        "= belongs behind the name of an option; a value with blanks belongs in quotes".to_owned()
                    );
                }
                let Some(Token::Word(value) | Token::Quoted(value)) = tokens.next()? else {
                    return Err("a value belongs behind = of an option".to_owned());
                };
                options.insert(name, value);
            }
            None => return Err("; is missing at its end".to_owned()),
            Some(_) => return Err("an option is NAME=\"VALUE\"; a value with marks in it belongs in quotes".to_owned()),
        }
    }
    let class = class.rsplit(['.', '$']).next().unwrap_or_default().to_owned();
    Ok(Module { class, options })
}

#[derive(PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    /// One of `= ; { }`.
    Mark(char),
}

struct Tokens<'a>(Peekable<Chars<'a>>);

impl Tokens<'_> {
    /// The next token; comments are none.
    fn next(&mut self) -> Result<Option<Token>, String> {
        loop {
            while self.0.next_if(|c| c.is_whitespace() || c.is_control()).is_some() {}
            return match self.0.next() {
                None => Ok(None),
                Some('/') if self.0.next_if_eq(&'/').is_some() => {
                    while self.0.next_if(|c| *c != '\n').is_some() {}
                    continue;
                }
                Some('/') if self.0.next_if_eq(&'*').is_some() => {
                    let mut last = ' ';
                    while let Some(c) = self.0.next()
                        && (last, c) != ('*', '/')
                    {
                        last = c;
                    }
                    continue;
                }
                Some(quote @ ('"' | '\'')) => self.quoted(quote).map(Some),
                Some(mark) if is_mark(mark) => Ok(Some(Token::Mark(mark))),
                Some(first) => {
                    let mut word = String::from(first);
                    while let Some(c) = self.0.next_if(|c| !is_mark(*c) && !c.is_whitespace() && *c != '"') {
                        word.push(c);
                    }
                    Ok(Some(Token::Word(word)))
                }
            };
        }
    }

    /// Whether the next token is this mark, which is then behind us.
    fn skip(&mut self, mark: char) -> bool {
        let mut ahead = Tokens(self.0.clone());
        let is_there = matches!(ahead.next(), Ok(Some(Token::Mark(found))) if found == mark);
        if is_there {
            self.0 = ahead.0;
        }
        is_there
    }

    /// The inside of quotes, in which a backslash means what it means to Java's tokenizer.
    fn quoted(&mut self, quote: char) -> Result<Token, String> {
        let mut text = String::new();
        loop {
            let c = self.0.next().filter(|c| !matches!(c, '\n' | '\r'));
            match c.ok_or("a quotation mark has no second half on its line")? {
                c if c == quote => return Ok(Token::Quoted(text)),
                '\\' => {
                    let next = self.0.next().ok_or("a quotation mark has no second half on its line")?;
                    text.push(self.escaped(next));
                }
                c => text.push(c),
            }
        }
    }

    fn escaped(&mut self, c: char) -> char {
        match c {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0'..='7' => {
                let mut number = c.to_digit(8).unwrap_or_default();
                // Three digits at most, and none that makes it more than a byte.
                let more = if c <= '3' { 2 } else { 1 };
                for _ in 0..more {
                    let Some(digit) = self.0.next_if(|c| c.is_digit(8)).and_then(|c| c.to_digit(8)) else { break };
                    number = number * 8 + digit;
                }
                char::from_u32(number).unwrap_or_default()
            }
            other => other,
        }
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '=' | ';' | '{' | '}')
}
