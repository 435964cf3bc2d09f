package store

import "embed"

// Migrations are the D1 migrations, migrations/0001_tables.sql first, as
// wrangler applies them.
//
//go:embed migrations/*.sql
var Migrations embed.FS
