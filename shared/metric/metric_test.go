package metric

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// operate.md, M2: the names and labels that others rely on.
func TestTheNamesAndLabelsAreThoseOfTheContract(t *testing.T) {
	got := map[string]string{}
	for i, d := range Definitions {
		if d.Metric != Metric(i+1) || Of(d.Metric).Name != d.Name {
			t.Errorf("%s stands at %d, and its number is %d", d.Name, i+1, d.Metric)
		}
		if d.Help == "" || len(d.Values) > 0 && len(d.Labels) != 1 {
			t.Errorf("%s has no help, or values of several labels", d.Name)
		}
		if counter := strings.HasSuffix(d.Name, "_total"); counter != (d.Kind == Counter) {
			t.Errorf("%s: the end of its name does not fit its kind", d.Name)
		}
		got[d.Name] = strings.Join(d.Labels, ",")
	}
	for name, labels := range map[string]string{
		"tidemark_requests_total": "route,method,status", "tidemark_request_seconds": "route",
		"tidemark_push_rows_total": "table,outcome", "tidemark_pull_rows_total": "table",
		"tidemark_notifications_total": "", "tidemark_sockets": "room", "tidemark_yjs_updates_total": "",
		"tidemark_yjs_bytes_total": "direction", "tidemark_yjs_compactions_total": "result",
		"tidemark_copies_behind_seconds": "", "tidemark_instances_ended_total": "reason",
		"tidemark_instance_memory_bytes": "", "tidemark_batch_seconds": "database", "tidemark_objects_open": "",
		"tidemark_webhooks_total": "result", "tidemark_webhooks_waiting": "",
		"tidemark_copy_failures": "", "tidemark_copies_late_seconds": "",
	} {
		if has, ok := got[name]; !ok || has != labels {
			t.Errorf("%s has the labels %q (it exists: %v), want %q", name, has, ok, labels)
		}
	}
}

// The glue on workerd has the names and labels of the guest's metrics once more.
func TestTheGlueOnWorkerdNamesTheSameMetrics(t *testing.T) {
	source, err := os.ReadFile("../../worker/metrics.mjs")
	if err != nil {
		t.Fatal(err)
	}
	names, labels := "const NAMES = [\n  null,\n", []string{"[]"}
	for _, d := range Definitions[:LastOfGuest] {
		names += "  \"" + d.Name + "\",\n"
		list := "[]"
		if len(d.Labels) > 0 {
			list = `["` + strings.Join(d.Labels, `", "`) + `"]`
		}
		labels = append(labels, list)
	}
	for _, want := range []string{names + "];\n", "const LABELS = [" + strings.Join(labels, ", ") + "];\n"} {
		if !strings.Contains(string(source), want) {
			t.Errorf("worker/metrics.mjs lacks\n%s", want)
		}
	}
}

// docs/operate.md has the columns of a point, which the glue on workerd makes.
func TestTheColumnsOfAPointAreDocumented(t *testing.T) {
	glue, err := os.ReadFile("../../worker/metrics.mjs")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(glue), "export const COLUMNS = [\n")
	list, _, _ = strings.Cut(list, "\n];")
	columns := strings.Split(list, "\n")
	if len(columns) != 20 {
		t.Errorf("%d columns", len(columns))
	}
	for i, column := range columns {
		if want := fmt.Sprintf("| %d | `%s` |", i+1, strings.Trim(column, ` ",`)); !strings.Contains(string(docs), want) {
			t.Errorf("docs/operate.md lacks %s", want)
		}
	}
	for _, d := range Definitions {
		name := d.Name
		if len(d.Labels) > 0 {
			name += "{" + strings.Join(d.Labels, ",") + "}"
		}
		if !strings.Contains(string(docs), "`"+name+"`") {
			t.Errorf("docs/operate.md lacks %s", name)
		}
	}
}

func TestCountsOfOneRequestAddUpAndGaugesAreReplaced(t *testing.T) {
	var c Counts
	ctx := With(context.Background(), &c)
	Add(ctx, PushRows, 2, "customers", Created)
	Add(ctx, PushRows, 3, "customers", Created)
	Add(ctx, PushRows, 1, "customers", Updated)
	Add(ctx, PushRows, 0, "products", Created)
	Add(ctx, WebhooksWaiting, 7)
	Add(ctx, WebhooksWaiting, 0)
	Add(context.Background(), Webhooks, 1, Done) // of no request
	c.Start(YjsUpdates)
	frame := c.Flush(nil)
	if again := c.Flush(nil); len(again) > 0 {
		t.Errorf("a second frame: %q", again)
	}
	want := []Count{
		{PushRows, 5, "customers\x00created"}, {PushRows, 1, "customers\x00updated"}, {WebhooksWaiting, 0, ""}, {YjsUpdates, 0, ""},
	}
	var got []Count
	for len(frame) > 0 {
		m, value, labels, rest, err := Cut(frame)
		if err != nil {
			t.Fatal(err)
		}
		got, frame = append(got, Count{m, value, string(labels)}), rest
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzCut(f *testing.F) {
	f.Add(Append(nil, []Count{{PushRows, 5, "a\x00b"}, {YjsUpdates, 1, ""}}))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255})
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			m, _, labels, rest, err := Cut(b)
			if err != nil {
				return
			}
			if m == 0 || m > LastOfGuest || head+len(labels)+len(rest) != len(b) {
				t.Errorf("metric %d, %d bytes of labels and %d left of %d", m, len(labels), len(rest), len(b))
			}
			b = rest
		}
	})
}
