// Package projects keeps projects: every line of their SQL, and the rules that SQL
// has to keep. A write, an upload and a page of a pull are one batch each.
package projects
