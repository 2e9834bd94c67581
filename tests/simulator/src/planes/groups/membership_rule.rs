//! Rules of dynamic groups: whether one could be stored. It is not evaluated.
//!
//! Entra: groups-dynamic-membership. Operators with or without the hyphen, property names in their exact case.

/// Longest rule, in characters.
const MAX_CHARACTERS: usize = 3072;
const OPERATORS: &[&str] = &[
    "eq",
    "ne",
    "startswith",
    "notstartswith",
    "endswith",
    "notendswith",
    "contains",
    "notcontains",
    "match",
    "notmatch",
    "in",
    "notin",
    "le",
    "ge",
];
const USER_PROPERTIES: &[&str] = &[
    "accountEnabled",
    "dirSyncEnabled",
    "employeeHireDate",
    "city",
    "country",
    "companyName",
    "department",
    "displayName",
    "employeeId",
    "facsimileTelephoneNumber",
    "givenName",
    "jobTitle",
    "mail",
    "mailNickName",
    "mobile",
    "objectId",
    "onPremisesDistinguishedName",
    "onPremisesSecurityIdentifier",
    "passwordPolicies",
    "physicalDeliveryOfficeName",
    "postalCode",
    "preferredLanguage",
    "sipProxyAddress",
    "state",
    "streetAddress",
    "surname",
    "telephoneNumber",
    "usageLocation",
    "userPrincipalName",
    "userType",
    "otherMails",
    "proxyAddresses",
    "assignedPlans",
    "memberOf",
];

/// Why a rule cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    #[error("The dynamic membership rule is missing.")]
    Missing,
    #[error("The dynamic membership rule has more than {MAX_CHARACTERS} characters.")]
    TooLong,
    #[error("Dynamic membership rule validation error: no object type.")]
    NoObjectType,
    #[error("Dynamic membership rule validation error: Wrong property applied.")]
    WrongProperty,
    #[error("Dynamic membership rule validation error: the rule's syntax is wrong.")]
    Syntax,
}

impl BadRule {
    /// The service's exception, which Graph gives as error code.
    pub fn exception(self) -> &'static str {
        match self {
            BadRule::NoObjectType => "InvalidObjectTypeException",
            BadRule::WrongProperty => "WrongPropertyAppliedException",
            BadRule::Missing | BadRule::TooLong | BadRule::Syntax => "Request_BadRequest",
        }
    }
}

pub fn check(rule: &str) -> Result<(), BadRule> {
    if rule.trim().is_empty() {
        return Err(BadRule::Missing);
    }
    if rule.chars().count() > MAX_CHARACTERS {
        return Err(BadRule::TooLong);
    }
    let mut parser = Parser { tokens: tokens(rule)?, at: 0 };
    parser.expression()?;
    if parser.peek().is_none() { Ok(()) } else { Err(BadRule::Syntax) }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text,
    Mark(char),
}

fn tokens(rule: &str) -> Result<Vec<Token>, BadRule> {
    let mut found = Vec::new();
    let mut chars = rule.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            blank if blank.is_whitespace() => {}
            '(' | ')' | '[' | ']' | ',' => found.push(Token::Mark(next)),
            '"' | '\'' => {
                loop {
                    match chars.next().ok_or(BadRule::Syntax)? {
                        // A backtick takes the next one literally; a single quote is doubled.
                        '`' => drop(chars.next()),
                        one if one == next && next == '\'' && chars.peek() == Some(&'\'') => drop(chars.next()),
                        one if one == next => break,
                        _ => {}
                    }
                }
                found.push(Token::Text);
            }
            first => {
                let mut word = first.to_string();
                while let Some(&one) = chars.peek().filter(|one| !one.is_whitespace() && !"()[],\"'".contains(**one)) {
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

    fn next(&mut self) -> Result<Token, BadRule> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().ok_or(BadRule::Syntax)
    }

    /// The next word without its hyphen, if it is one of these.
    fn takes(&mut self, words: &[&str]) -> bool {
        let found = match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.to_lowercase();
                words.contains(&word.strip_prefix('-').unwrap_or(&word))
            }
            _ => false,
        };
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: char) -> Result<(), BadRule> {
        if self.next()? == Token::Mark(mark) { Ok(()) } else { Err(BadRule::Syntax) }
    }

    fn expression(&mut self) -> Result<(), BadRule> {
        self.term()?;
        while self.takes(&["and", "or"]) {
            self.term()?;
        }
        Ok(())
    }

    fn term(&mut self) -> Result<(), BadRule> {
        while self.takes(&["not"]) {}
        if self.peek() == Some(&Token::Mark('(')) {
            self.expect('(')?;
            self.expression()?;
            return self.expect(')');
        }
        let Token::Word(property) = self.next()? else { return Err(BadRule::Syntax) };
        check_property(&property)?;
        if self.takes(&["any", "all"]) {
            self.expect('(')?;
            self.expression()?;
            return self.expect(')');
        }
        if self.takes(OPERATORS) { self.value() } else { Err(BadRule::Syntax) }
    }

    fn value(&mut self) -> Result<(), BadRule> {
        match self.next()? {
            Token::Text => Ok(()),
            Token::Word(word) if ["true", "false", "null"].contains(&word.to_lowercase().as_str()) => Ok(()),
            Token::Word(word) if word.parse::<i64>().is_ok() => Ok(()),
            Token::Mark('[') => loop {
                self.value()?;
                match self.next()? {
                    Token::Mark(']') => return Ok(()),
                    Token::Mark(',') => {}
                    _ => return Err(BadRule::Syntax),
                }
            },
            _ => Err(BadRule::Syntax),
        }
    }
}

fn check_property(text: &str) -> Result<(), BadRule> {
    // The item of a collection, inside -any and -all.
    if text == "_" || text.starts_with("_.") {
        return Ok(());
    }
    let name = match text.split_once('.') {
        Some(("user", name)) => name.split('.').next().unwrap_or_default(),
        Some(("device", _)) => return Ok(()),
        _ => return Err(BadRule::NoObjectType),
    };
    let extension = name.starts_with("extension_")
        || name
            .strip_prefix("extensionAttribute")
            .and_then(|at| at.parse::<u8>().ok())
            .is_some_and(|at| (1..=15).contains(&at));
    if extension || USER_PROPERTIES.contains(&name) { Ok(()) } else { Err(BadRule::WrongProperty) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_taken_or_refused_for_what_is_wrong_with_it() {
        for right in [
            r#"(user.userType -eq "Guest") -and (user.mail -endsWith "@nordwall.example")"#,
            r#"user.otherMails -any (_ -endsWith "@nordwall.example")"#,
            r#"user.department in ["a", 'O''Hara', "b`"c"] or not (user.accountEnabled eq true)"#,
            "user.extensionAttribute15 -eq null",
        ] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
        let long = format!("user.city -eq \"{}\"", "x".repeat(3072));
        for (wrong, why) in [
            (" ", BadRule::Missing),
            (long.as_str(), BadRule::TooLong),
            ("userType -eq \"Guest\"", BadRule::NoObjectType),
            ("user.UserType -eq \"Guest\"", BadRule::WrongProperty),
            ("user.identities -eq \"x\"", BadRule::WrongProperty),
            ("nonsense", BadRule::NoObjectType),
            ("(user.city -eq \"x\"", BadRule::Syntax),
            ("user.city -like \"x\"", BadRule::Syntax),
            ("user.city -eq x", BadRule::Syntax),
            ("user.city -eq \"x", BadRule::Syntax),
        ] {
            assert_eq!(check(wrong), Err(why), "{wrong}");
        }
    }
}
