// Package projects serves projects: REST, and a copy that a client pulls and uploads.
// /api/v1/docs describes it for people, /api/v1/openapi.json for programs; both are
// made of the operations. Errors are problems of RFC 9457.
package projects
