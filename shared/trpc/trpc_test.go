package trpc

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/ijson"
)

var router = Router{Procedures: map[string]Kind{"sync.pull": Query, "sync.push": Mutation, "sync.info": Query}, MaxItems: 3}

// serve answers every call with its own input, or undefined.
func serve(h Head, query, body string) (status int, answer, allow string) {
	h.Query, _ = url.ParseQuery(query)
	q, err := router.Parse(h)
	if err != nil {
		return flat(ErrorResponse(err), "")
	}
	q.ReadInput([]byte(body))
	results := make([]Result, len(q.Calls))
	for i, call := range q.Calls {
		results[i].Data = ijson.Whole(call.Input)
	}
	return flat(q.Respond(results), q.Allow)
}

func flat(a Response, allow string) (int, string, string) {
	return a.Status, string(a.Body.Bytes()), allow
}

func TestAnswersAsTRPCServerDoes(t *testing.T) {
	fail := func(code, message, number, status, path string) string {
		if path != "" {
			path = `,"path":"` + path + `"`
		}
		return `{"error":{"message":"` + message + `","code":` + number + `,"data":{"code":"` + code + `","httpStatus":` + status + path + `}}}`
	}
	const js = "application/json"
	for _, c := range []struct {
		name   string
		h      Head
		query  string
		body   string
		status int
		want   string
		allow  string
	}{
		{"query", Head{Method: "GET", Path: "sync.pull"}, "input=" + url.QueryEscape(`{"a":[1]}`), "", 200, `{"result":{"data":{"a":[1]}}}`, ""},
		{"query without input", Head{Method: "GET", Path: "sync.pull"}, "", "", 200, `{"result":{}}`, ""},
		{"query with empty input", Head{Method: "GET", Path: "sync.pull"}, "input=", "", 200, `{"result":{}}`, ""},
		{"null is not undefined", Head{Method: "GET", Path: "sync.pull"}, "input=null", "", 200, `{"result":{"data":null}}`, ""},
		{"trailing slash", Head{Method: "GET", Path: "sync.pull/"}, "input=1", "", 200, `{"result":{"data":1}}`, ""},
		{"escaped path", Head{Method: "GET", Path: "sync%2Epull"}, "input=1", "", 200, `{"result":{"data":1}}`, ""},
		{"bad escape", Head{Method: "GET", Path: "sync%zz"}, "", "", 400, fail("BAD_REQUEST", `Invalid URL-encoding in path \"sync%zz\"`, "-32600", "400", ""), ""},
		{"mutation", Head{Method: "POST", Path: "sync.push", ContentType: js}, "", `{"b":2}`, 200, `{"result":{"data":{"b":2}}}`, ""},
		{"mutation without body", Head{Method: "POST", Path: "sync.push", ContentType: js}, "", ``, 200, `{"result":{}}`, ""},
		{"type with case and parameters", Head{Method: "POST", Path: "sync.push", ContentType: "Application/JSON; charset=utf-8"}, "", `1`, 200, `{"result":{"data":1}}`, ""},
		{"method override", Head{Method: "POST", Path: "sync.pull", ContentType: js}, "input=9", `7`, 200, `{"result":{"data":7}}`, ""},
		{"no type", Head{Method: "POST", Path: "sync.push"}, "", `1`, 415, fail("UNSUPPORTED_MEDIA_TYPE", "Missing content-type header", "-32015", "415", ""), ""},
		{"foreign type", Head{Method: "POST", Path: "sync.push", ContentType: "text/plain"}, "", `1`, 415, fail("UNSUPPORTED_MEDIA_TYPE", `Unsupported content-type \"text/plain\"`, "-32015", "415", ""), ""},
		{"mutation by GET", Head{Method: "GET", Path: "sync.push"}, "", "", 405, fail("METHOD_NOT_SUPPORTED", `Unsupported GET-request to mutation procedure at path \"sync.push\"`, "-32005", "405", "sync.push"), "POST"},
		{"query by PUT", Head{Method: "PUT", Path: "sync.pull", ContentType: js}, "", "", 405, fail("METHOD_NOT_SUPPORTED", `Unsupported PUT-request to query procedure at path \"sync.pull\"`, "-32005", "405", "sync.pull"), "GET, POST"},
		{"not found", Head{Method: "GET", Path: "x.y"}, "", "", 404, fail("NOT_FOUND", `No procedure found on path \"x.y\"`, "-32004", "404", "x.y"), ""},
		{"batch", Head{Method: "GET", Path: "sync.pull,sync.info"}, "batch=1&input=" + url.QueryEscape(`{"0":{"a":1},"1":"two"}`), "", 200, `[{"result":{"data":{"a":1}}},{"result":{"data":"two"}}]`, ""},
		{"batch without inputs", Head{Method: "GET", Path: "sync.pull,sync.info"}, "batch=1&input=%7B%7D", "", 200, `[{"result":{}},{"result":{}}]`, ""},
		{"batch of one", Head{Method: "POST", Path: "sync.push", ContentType: js}, "batch=1", ` { "0" : [ ] } `, 200, `[{"result":{"data":[ ]}}]`, ""},
		{"batch of failures", Head{Method: "GET", Path: "a,b"}, "batch=1", "", 404, "[" + fail("NOT_FOUND", `No procedure found on path \"a\"`, "-32004", "404", "a") + "," + fail("NOT_FOUND", `No procedure found on path \"b\"`, "-32004", "404", "b") + "]", ""},
		{"207", Head{Method: "GET", Path: "sync.pull,b"}, "batch=1", "", 207, `[{"result":{}},` + fail("NOT_FOUND", `No procedure found on path \"b\"`, "-32004", "404", "b") + "]", ""},
		{"mixed kinds", Head{Method: "POST", Path: "sync.pull,sync.push", ContentType: js}, "batch=1", "{}", 400, fail("BAD_REQUEST", "Cannot mix procedure types in call: query, mutation", "-32600", "400", ""), ""},
		{"too many", Head{Method: "GET", Path: "a,b,c,d"}, "batch=1", "", 400, fail("BAD_REQUEST", "Batch call exceeds maximum size: 4 calls, at most 3", "-32600", "400", ""), ""},
		{"inputs that are no object", Head{Method: "GET", Path: "sync.pull"}, "batch=1&input=[]", "", 400, "[" + fail("BAD_REQUEST", `\"input\" needs to be an object when doing a batch call`, "-32600", "400", "sync.pull") + "]", ""},
		{"inputs that are no JSON", Head{Method: "GET", Path: "sync.pull"}, `batch=1&input={"0":}`, "", 400, "[" + fail("BAD_REQUEST", `JSON: unexpected '}' at offset 5`, "-32600", "400", "sync.pull") + "]", ""},
		{"one input twice", Head{Method: "GET", Path: "sync.pull"}, `batch=1&input={"0":1,"0":2}`, "", 400, "[" + fail("BAD_REQUEST", `The input \"0\" is given twice`, "-32600", "400", "sync.pull") + "]", ""},
		{"inputs of nobody", Head{Method: "GET", Path: "sync.pull"}, `batch=1&input={"1":1,"00":2,"-0":3,"x":4}`, "", 200, `[{"result":{}}]`, ""},
		{"stream", Head{Method: "GET", Path: "sync.pull,b", TRPCAccept: jsonLines}, `batch=1&input={"0":{"a":1}}`, "", 200, `{"0":[[{"result":{"data":{"a":1}}}]],"1":[[` + fail("NOT_FOUND", `No procedure found on path \"b\"`, "-32004", "404", "b") + "]]}\n", ""},
		{"stream by accept", Head{Method: "GET", Path: "sync.pull", Accept: "text/html, application/jsonl"}, `batch=1`, "", 200, `{"0":[[{"result":{}}]]}` + "\n", ""},
		{"stream without batch", Head{Method: "GET", Path: "sync.pull", TRPCAccept: jsonLines}, "", "", 400, fail("BAD_REQUEST", "Streaming requests must be batched (you can do a batch of 1)", "-32600", "400", ""), ""},
		{"a path of quotes", Head{Method: "GET", Path: "%22%5C%00"}, "", "", 404, fail("NOT_FOUND", `No procedure found on path \"\"\\\u0000\"`, "-32004", "404", `\"\\\u0000`), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, got, allow := serve(c.h, c.query, c.body)
			if status != c.status || got != c.want || allow != c.allow {
				t.Errorf("\ngot  %d %s allow %q\nwant %d %s allow %q", status, got, allow, c.status, c.want, c.allow)
			}
			if !json.Valid([]byte(got)) {
				t.Errorf("not JSON: %s", got)
			}
		})
	}
}

func TestRefusalNamesEveryPathButOnTheStreamLink(t *testing.T) {
	for _, c := range []struct {
		h    Head
		want string
	}{
		{Head{Method: "GET", Path: "sync.pull"}, `{"error":{"message":"m","code":-32001,"data":{"code":"UNAUTHORIZED","httpStatus":401,"why":1,"path":"sync.pull"}}}`},
		{Head{Method: "GET", Path: "nope", Query: url.Values{"batch": {"1"}}}, `[{"error":{"message":"m","code":-32001,"data":{"code":"UNAUTHORIZED","httpStatus":401,"why":1,"path":"nope"}}}]`},
		{Head{Method: "GET", Path: "sync.pull", Query: url.Values{"batch": {"1"}}, TRPCAccept: jsonLines}, `{"error":{"message":"m","code":-32001,"data":{"code":"UNAUTHORIZED","httpStatus":401,"why":1}}}`},
	} {
		q, err := router.Parse(c.h)
		if err != nil {
			t.Fatal(err)
		}
		status, got, _ := flat(q.Refuse(&Error{Code: Unauthorized, Message: "m", Data: []byte(`"why":1`)}), "")
		if d := cmp.Diff(c.want, got); d != "" || status != 401 {
			t.Errorf("%v: status %d\n%s", c.h, status, d)
		}
	}
}

func TestABadInputOfABatchFailsNoOther(t *testing.T) {
	deep := strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000)
	for _, bad := range []string{`{"a":1e999}`, "\"\xff\"", `"\ud800"`, `{"a":}`, `[1,]`, "NaN", `{"a":["]}\\\""]}`, `01`, `[}`, `"a"b`, deep} {
		q, err := router.Parse(Head{Method: "POST", Path: "sync.push,sync.push", ContentType: "application/json", Query: url.Values{"batch": {"1"}}})
		if err != nil {
			t.Fatal(err)
		}
		q.ReadInput([]byte(`{"0": ` + bad + ` ,"1":{"good":"}"}}`))
		if q.Calls[0].Err != nil || string(q.Calls[0].Input) != bad || q.Calls[1].Err != nil || string(q.Calls[1].Input) != `{"good":"}"}` {
			t.Errorf("%.80s: %v %.80q, %v %q", bad, q.Calls[0].Err, q.Calls[0].Input, q.Calls[1].Err, q.Calls[1].Input)
		}
	}
}

// FuzzBatchInputs holds what is found in a valid batch against encoding/json.
func FuzzBatchInputs(f *testing.F) {
	for _, s := range []string{`{}`, `{"0":1}`, `{"0":[{"a":-0.5e+7},true,null,"\ud800\n"],"1":{}} `, `{"0":01}`, `{"0":1.}`, `{"0":"` + "\x01" + `"}`, `[1`, `{"0":{"a":}}`, `{"0":[1,]}`, `{"a"1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q, _ := router.Parse(Head{Method: "POST", Path: "sync.pull,sync.info", ContentType: "application/json", Query: url.Values{"batch": {"1"}}})
		q.ReadInput(b)
		var want map[string]json.RawMessage
		valid := json.Unmarshal(b, &want) == nil
		for i, call := range q.Calls {
			if call.Err == nil && valid && string(call.Input) != string(want[strconv.Itoa(i)]) {
				t.Errorf("%q: input %q, want %q", b, call.Input, want[strconv.Itoa(i)])
			}
		}
	})
}
