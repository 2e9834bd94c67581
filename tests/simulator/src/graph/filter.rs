//! The `$filter` language, as far as directory objects understand it.
//!
//! `and or not ( ) eq ne gt ge lt le in startsWith endsWith contains any`. Which of them need
//! `ConsistencyLevel: eventual` is reported by [`Filter::advanced`] (Graph: advanced-queries).

use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare { path: String, operator: String, value: Value },
    In { path: String, values: Vec<Value> },
    Function { name: String, path: String, text: String },
    Any { path: String, variable: String, inside: Box<Filter> },
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0 };
        let filter = parser.either()?;
        match parser.peek() {
            None => Ok(filter),
            Some(token) => Err(format!("Syntax error: unexpected {token:?} in '{text}'.")),
        }
    }

    /// Whether an object satisfies it. String comparison ignores case, as the directory's does.
    pub fn matches(&self, object: &Map<String, Value>) -> bool {
        self.holds(&|path| {
            let mut parts = path.split('/');
            let first = object.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.get(part)).cloned()
        })
    }

    fn holds(&self, get: &dyn Fn(&str) -> Option<Value>) -> bool {
        match self {
            Filter::And(one, other) => one.holds(get) && other.holds(get),
            Filter::Or(one, other) => one.holds(get) || other.holds(get),
            Filter::Not(inside) => !inside.holds(get),
            Filter::Compare { path, operator, value } => compare(&get(path).unwrap_or(Value::Null), operator, value),
            Filter::In { path, values } => {
                values.iter().any(|value| compare(&get(path).unwrap_or(Value::Null), "eq", value))
            }
            Filter::Function { name, path, text } => {
                let Some(Value::String(own)) = get(path) else { return false };
                let own = own.to_lowercase();
                match name.as_str() {
                    "startswith" => own.starts_with(text),
                    "endswith" => own.ends_with(text),
                    _ => own.contains(text),
                }
            }
            Filter::Any { path, variable, inside } => {
                let Some(Value::Array(items)) = get(path) else { return false };
                items.iter().any(|item| {
                    inside.holds(&|path| match path.strip_prefix(variable.as_str()) {
                        Some("") => Some(item.clone()),
                        Some(rest) => item.get(rest.strip_prefix('/')?).cloned(),
                        None => None,
                    })
                })
            }
        }
    }

    /// Whether it needs `ConsistencyLevel: eventual` and `$count=true`.
    pub fn advanced(&self) -> bool {
        match self {
            Filter::And(one, other) | Filter::Or(one, other) => one.advanced() || other.advanced(),
            Filter::Not(_) => true,
            Filter::Compare { operator, .. } => operator == "ne",
            Filter::In { .. } => false,
            Filter::Function { name, .. } => name == "endswith" || name == "contains",
            Filter::Any { inside, .. } => inside.advanced(),
        }
    }

    /// The properties that it compares as one value, rather than element by element.
    pub fn compared(&self) -> Vec<&str> {
        match self {
            Filter::And(one, other) | Filter::Or(one, other) => [one.compared(), other.compared()].concat(),
            Filter::Not(inside) => inside.compared(),
            Filter::Compare { path, .. } | Filter::In { path, .. } | Filter::Function { path, .. } => vec![path],
            Filter::Any { .. } => Vec::new(),
        }
    }

    /// The top-level properties that it names.
    pub fn properties(&self) -> Vec<&str> {
        match self {
            Filter::And(one, other) | Filter::Or(one, other) => [one.properties(), other.properties()].concat(),
            Filter::Not(inside) => inside.properties(),
            Filter::Compare { path, .. }
            | Filter::In { path, .. }
            | Filter::Function { path, .. }
            | Filter::Any { path, .. } => {
                vec![path.split('/').next().unwrap_or_default()]
            }
        }
    }
}

fn compare(own: &Value, operator: &str, other: &Value) -> bool {
    let equal = match (own, other) {
        (Value::String(own), Value::String(other)) => own.eq_ignore_ascii_case(other),
        (own, other) => own == other,
    };
    let ordered = || match (own, other) {
        (Value::String(own), Value::String(other)) => Some(own.cmp(other)),
        (Value::Number(own), Value::Number(other)) => own.as_f64()?.partial_cmp(&other.as_f64()?),
        _ => None,
    };
    match operator {
        "eq" => equal,
        "ne" => !equal,
        "gt" => ordered().is_some_and(|order| order.is_gt()),
        "ge" => ordered().is_some_and(|order| order.is_ge()),
        "lt" => ordered().is_some_and(|order| order.is_lt()),
        _ => ordered().is_some_and(|order| order.is_le()),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&next) = chars.peek() {
        match next {
            ' ' => drop(chars.next()),
            '(' | ')' | ',' | ':' => {
                found.push(Token::Mark(next));
                chars.next();
            }
            '\'' => {
                chars.next();
                let mut inside = String::new();
                loop {
                    match chars.next() {
                        // A quote is written twice.
                        Some('\'') if chars.peek() == Some(&'\'') => inside.extend(chars.next()),
                        Some('\'') => break,
                        Some(one) => inside.push(one),
                        None => return Err(format!("There is an unterminated string literal in '{text}'.")),
                    }
                }
                found.push(Token::Text(inside));
            }
            _ => {
                let mut word = String::new();
                // A date such as 2026-11-20T10:00:00Z holds colons; a lambda's variable is followed by one.
                while let Some(&one) = chars.peek() {
                    let in_date = one == ':' && word.starts_with(|first: char| first.is_ascii_digit());
                    if " (),'".contains(one) || (one == ':' && !in_date) {
                        break;
                    }
                    word.push(one);
                    chars.next();
                }
                found.push(Token::Word(word));
            }
        }
    }
    Ok(found)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, String> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().ok_or_else(|| "Syntax error: the filter ends too early.".to_owned())
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: char) -> Result<(), String> {
        match self.next()? {
            Token::Mark(found) if found == mark => Ok(()),
            other => Err(format!("Syntax error: '{mark}' expected, found {other:?}.")),
        }
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            other => Err(format!("Syntax error: a name expected, found {other:?}.")),
        }
    }

    fn either(&mut self) -> Result<Filter, String> {
        let mut left = self.both()?;
        while self.takes("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Filter, String> {
        let mut left = self.one()?;
        while self.takes("and") {
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Filter, String> {
        if self.takes("not") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        if self.peek() == Some(&Token::Mark('(')) {
            self.expect('(')?;
            let inside = self.either()?;
            self.expect(')')?;
            return Ok(inside);
        }
        let name = self.word()?;
        if self.peek() == Some(&Token::Mark('(')) {
            return self.function(&name);
        }
        if self.takes("in") {
            return self.list(name);
        }
        let operator = self.word()?.to_lowercase();
        if !["eq", "ne", "gt", "ge", "lt", "le"].contains(&operator.as_str()) {
            return Err(format!("Syntax error: '{operator}' is not an operator."));
        }
        let value = self.literal()?;
        Ok(Filter::Compare { path: name, operator, value })
    }

    fn function(&mut self, name: &str) -> Result<Filter, String> {
        self.expect('(')?;
        if let Some(path) = name.strip_suffix("/any") {
            let variable = self.word()?;
            self.expect(':')?;
            let inside = Box::new(self.either()?);
            self.expect(')')?;
            return Ok(Filter::Any { path: path.to_owned(), variable, inside });
        }
        let known = name.to_lowercase();
        if !["startswith", "endswith", "contains"].contains(&known.as_str()) {
            return Err(format!("An unknown function with name '{name}' was found."));
        }
        let path = self.word()?;
        self.expect(',')?;
        let Value::String(text) = self.literal()? else { return Err(format!("'{name}' takes a string.")) };
        self.expect(')')?;
        Ok(Filter::Function { name: known, path, text: text.to_lowercase() })
    }

    fn list(&mut self, path: String) -> Result<Filter, String> {
        self.expect('(')?;
        let mut values = vec![self.literal()?];
        while self.peek() == Some(&Token::Mark(',')) {
            self.expect(',')?;
            values.push(self.literal()?);
        }
        self.expect(')')?;
        Ok(Filter::In { path, values })
    }

    fn literal(&mut self) -> Result<Value, String> {
        Ok(match self.next()? {
            Token::Text(text) => Value::String(text),
            Token::Word(word) => match word.as_str() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                other => other.parse::<i64>().map_or_else(|_| Value::String(other.to_owned()), Value::from),
            },
            Token::Mark(mark) => return Err(format!("Syntax error: a value expected, found '{mark}'.")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(filter: &str, expected: bool) {
        let user = json!({"mail": "Maya@nordwall.example", "userType": "Guest", "accountEnabled": true, "externalUserState": null,
            "otherMails": ["m@other.example"], "identities": [{"issuer": "mail", "issuerAssignedId": "x"}], "displayName": "O'Hara"});
        let parsed = Filter::parse(filter).unwrap();
        assert_eq!(parsed.matches(user.as_object().unwrap()), expected, "{filter}");
    }

    #[test]
    fn filters_mean_what_they_say() {
        check("mail eq 'maya@nordwall.example'", true);
        check("userType eq 'Guest' and accountEnabled eq false", false);
        check("(userType eq 'Member' or startswith(mail,'maya')) and not (accountEnabled eq false)", true);
        check("otherMails/any(x:x eq 'm@other.example')", true);
        check("identities/any(i:i/issuer eq 'mail' and i/issuerAssignedId eq 'x')", true);
        check("endsWith(mail,'@nordwall.example')", true);
        check("mail in ('a@b.example', 'maya@nordwall.example')", true);
        check("displayName eq 'O''Hara'", true);
        check("externalUserState eq null", true);
        assert!(Filter::parse("mail eq").is_err());
        assert!(Filter::parse("mail like 'x'").is_err());
        assert!(Filter::parse("endsWith(mail,'x')").unwrap().advanced());
    }
}
