package project

// A Role is the role of a member in a project. A greater role may do everything that
// a lesser one may. NoRole may do nothing.
type Role int

// The roles. docs/protocol.md, Projects 6.
const (
	NoRole Role = iota
	Viewer
	Member
	Scheduler
	Admin
	Owner
)

var roleNames = []string{"", "Viewer", "Member", "Scheduler", "Admin", "Owner"}

// String is the role's name on the wire.
func (r Role) String() string { return roleNames[r] }

// Roles are the roles that a membership can have, the least first.
var Roles = []Role{Viewer, Member, Scheduler, Admin, Owner}

// An Action is something that needs a role.
type Action int

// The actions; String describes each.
const (
	Read Action = iota
	CreateTasks
	EditOwnTasks
	EditTasks
	PlanTasks
	DeleteTasks
	EditNetwork
	EditCalendars
	EditProject
	ChangeMembers
	ChangeOwners
	DeleteProject
)

// needs is the role table. docs/protocol.md, Projects 6.
var needs = [...]Role{
	Read:          Viewer,
	CreateTasks:   Member,
	EditOwnTasks:  Member,
	EditTasks:     Scheduler,
	PlanTasks:     Scheduler,
	DeleteTasks:   Scheduler,
	EditNetwork:   Scheduler,
	EditCalendars: Scheduler,
	EditProject:   Admin,
	ChangeMembers: Admin,
	ChangeOwners:  Owner,
	DeleteProject: Owner,
}

// Actions are all of them.
var Actions = []Action{Read, CreateTasks, EditOwnTasks, EditTasks, PlanTasks, DeleteTasks, EditNetwork, EditCalendars,
	EditProject, ChangeMembers, ChangeOwners, DeleteProject}

var actionNames = [...]string{
	Read:          "pull, read, subscribe",
	CreateTasks:   "create tasks",
	EditOwnTasks:  "edit tasks that are assigned to the caller, or to nobody",
	EditTasks:     "edit any task",
	PlanTasks:     "set planned dates",
	DeleteTasks:   "delete tasks",
	EditNetwork:   "create, edit and delete dependencies",
	EditCalendars: "create, edit and delete calendars",
	EditProject:   "edit the project",
	ChangeMembers: "add, change and remove members up to Admin",
	ChangeOwners:  "add, change and remove Owners",
	DeleteProject: "delete the project",
}

// String describes the action.
func (a Action) String() string { return actionNames[a] }

// Needs returns the least role that may do a.
func (a Action) Needs() Role { return needs[a] }

// Creates, Edits and Deletes return the least action of such a request on the
// collection. Some rows need more: a task of another member, an Owner.
func (n Name) Creates() Action {
	return map[Name]Action{Tasks: CreateTasks, Dependencies: EditNetwork, Calendars: EditCalendars, Memberships: ChangeMembers}[n]
}

// Edits returns the least action of a change of a row.
func (n Name) Edits() Action {
	return map[Name]Action{Projects: EditProject, Tasks: EditOwnTasks, Dependencies: EditNetwork, Calendars: EditCalendars, Memberships: ChangeMembers}[n]
}

// Deletes returns the least action of the deletion of a row.
func (n Name) Deletes() Action {
	return map[Name]Action{Projects: DeleteProject, Tasks: DeleteTasks, Dependencies: EditNetwork, Calendars: EditCalendars, Memberships: ChangeMembers}[n]
}
