package projects

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"

	"tidemark/shared/auth"
	"tidemark/shared/project"
	"tidemark/shared/web"
)

const docsStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h2{margin-top:3rem}h3{margin:2rem 0 .25rem}code{font:14px/1.4 ui-monospace,monospace;background:#f1f3f5;padding:.1em .3em;border-radius:3px}
table{border-collapse:collapse;margin:.5rem 0;width:100%}th,td{border:1px solid #d5d9de;padding:.3rem .6rem;text-align:left;vertical-align:top}
.m{display:inline-block;min-width:4.5rem;font-weight:bold}a{color:#0b5cad}
@media(prefers-color-scheme:dark){body{color:#e6e9ec;background:#14171a}code{background:#262b30}th,td{border-color:#3a4047}a{color:#7db7f0}}`

// docs writes a page that describes the operations for a person.
func (c *call) docs() error {
	var b strings.Builder
	docsHead(&b)
	docsRoles(&b)
	b.WriteString("<h2 id=operations>Operations</h2>\n")
	for i := range c.operations {
		docsOperation(&b, &c.operations[i])
	}
	b.WriteString("<h2 id=fields>Fields</h2>\n<p>Every row also has <code>id</code> and <code>server_version</code>: 1 on insert, one more with every update. " +
		"In a pull the arrays of a calendar are JSON text, as a WatermelonDB column holds them.</p>\n")
	for i := range project.Collections {
		docsFields(&b, &project.Collections[i])
	}
	docsProblems(&b)
	b.WriteString("</main></body></html>\n")
	h := c.W.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Strict-Transport-Security", "max-age=31536000")
	h.Set("X-Frame-Options", "DENY")
	c.W.WriteHeader(web.StatusOK)
	_, err := c.W.Write([]byte(b.String()))
	if err != nil {
		c.Logger().Warn("the documentation was not sent", "error", err)
	}
	return nil
}

func docsHead(b *strings.Builder) {
	fmt.Fprintf(b, `<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content="width=device-width">
<title>Tidemark projects</title><style>%s</style></head><body><main>
<h1>Tidemark projects</h1>
<p>Projects, tasks and who works on them. A mobile client keeps a copy: it pulls what changed after a mark, and uploads
its own changes. The same as OpenAPI 3.1: <a href="%sopenapi.json">openapi.json</a>.</p>
<p>Send <code>Authorization: Bearer TOKEN</code> with every request. Bodies are JSON. Rows are deleted softly: a pull
brings the ids of deleted ones. <code>since</code>, <code>timestamp</code> and the cursor are numbers of the project's one
sequence; <code>server_version</code> counts the changes of one row. Never compare the two. A client keeps one database
for each project: the marks of different projects have nothing to do with each other.</p>
<p>If a token has the claim <code>scope</code>, the scope must contain <code>%s</code> to read and <code>%s</code> to write.</p>
`, docsStyle, root, auth.ProjectsRead, auth.ProjectsWrite)
}

func docsRoles(b *strings.Builder) {
	b.WriteString("<h2 id=roles>Roles</h2>\n<p>A greater role may do all that a lesser one may: ")
	for i, r := range project.Roles {
		if i > 0 {
			b.WriteString(" &lt; ")
		}
		b.WriteString(r.String())
	}
	b.WriteString(".</p>\n<table><tr><th>to</th><th>the least role</th></tr>\n")
	for _, a := range project.Actions {
		fmt.Fprintf(b, "<tr><td>%s</td><td>%s</td></tr>\n", html.EscapeString(a.String()), a.Needs())
	}
	b.WriteString("</table>\n")
}

func docsOperation(b *strings.Builder, o *operation) {
	fmt.Fprintf(b, "<h3 id=%s><span class=m>%s</span> <code>%s%s</code></h3>\n<p>%s.", o.id, o.method,
		root, html.EscapeString(o.path), html.EscapeString(o.summary))
	switch {
	case o.open:
		b.WriteString(" Open to all.")
	case o.operator:
		b.WriteString(" Needs the permissions " + operatorPermissions + ".")
	case o.needsRole():
		fmt.Fprintf(b, " Needs %s.", o.action.Needs())
	}
	b.WriteString("</p>\n<table>\n")
	for _, p := range o.parameters {
		fmt.Fprintf(b, "<tr><td><code>%s</code></td><td>%s: %s</td></tr>\n", p.name, p.in, html.EscapeString(p.says))
	}
	if o.body != "" {
		fmt.Fprintf(b, "<tr><td>body</td><td><code>%s</code>, at most %d bytes</td></tr>\n", o.body, o.bodyBytes)
	}
	for _, r := range o.responses {
		fmt.Fprintf(b, "<tr><td>%d <code>%s</code></td><td>%s</td></tr>\n", r.status, r.schema, html.EscapeString(r.says))
	}
	problems := o.problems()
	for _, status := range slices.Sorted(maps.Keys(problems)) {
		fmt.Fprintf(b, "<tr><td>%d</td><td>", status)
		for _, code := range problems[status] {
			fmt.Fprintf(b, `<a href="#%s">%[1]s</a> `, code)
		}
		b.WriteString("</td></tr>\n")
	}
	b.WriteString("</table>\n")
}

func docsFields(b *strings.Builder, c *project.Collection) {
	fmt.Fprintf(b, "<h3 id=%s>%s</h3>\n<table><tr><th>field</th><th>holds</th><th></th></tr>\n", c.Name, schemaName(c))
	for i := range c.Fields {
		f := &c.Fields[i]
		var notes []string
		if f.Required {
			notes = append(notes, "required")
		} else {
			notes = append(notes, "without it: "+f.DefaultJSON())
		}
		if f.Nullable {
			notes = append(notes, "may be null")
		}
		if f.Fixed {
			notes = append(notes, "cannot be changed")
		}
		if f.Plan {
			notes = append(notes, "needs "+project.PlanTasks.Needs().String())
		}
		fmt.Fprintf(b, "<tr><td><code>%s</code></td><td>%s</td><td>%s</td></tr>\n", f.Name,
			html.EscapeString(f.Says()), html.EscapeString(strings.Join(notes, "; ")))
	}
	b.WriteString("</table>\n")
}

func docsProblems(b *strings.Builder) {
	b.WriteString("<h2 id=problems>Problems</h2>\n<p>The body of every error: type, title, status, detail, code, and on bad input errors: field and message of each.</p>\n" +
		"<table><tr><th>status</th><th>code</th><th></th></tr>\n")
	for _, k := range problemKinds {
		fmt.Fprintf(b, "<tr id=%s><td>%d</td><td><code>%[1]s</code></td><td>%[3]s. %[4]s</td></tr>\n",
			k.code, k.status, html.EscapeString(k.title), html.EscapeString(k.detail))
	}
	b.WriteString("</table>\n")
}
