//! Permissions that several planes' rows name.

pub const READ_USERS: &[&str] = &[
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.ReadWrite.CrossCloud",
];
pub const WRITE_USERS: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All", "User.ReadWrite.CrossCloud"];
pub const DELETE_USERS: &[&str] = &["User.DeleteRestore.All", "User.ReadWrite.All", "User.ReadWrite.CrossCloud"];
pub const READ_GROUPS: &[&str] = &[
    "Group.ReadBasic.All",
    "Group-NestingSupport.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Group-PreferredDataLocation.ReadWrite.All",
    "Group.ManageProtection.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
];
/// Permissions to change any group.
pub const WRITE_GROUPS: &[&str] = &[
    "Group.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Group-NestingSupport.ReadWrite.All",
    "Group-PreferredDataLocation.ReadWrite.All",
    "Group.ManageProtection.All",
];
pub const READ_MEMBERS: &[&str] = &[
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
pub const WRITE_MEMBERS: &[&str] = &["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
pub const READ_DIRECTORY: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];
