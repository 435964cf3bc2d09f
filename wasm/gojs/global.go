//go:build !js

package gojs

import "fmt"

// newProgram returns the object that Go's runtime calls the Go object.
func newProgram() *Object {
	return &Object{Name: "the Go object", Props: map[string]Value{
		"_pendingEvent": nil,
		"_makeFuncWrapper": &Func{Name: "_makeFuncWrapper", Call: func(_ *Process, args []Value) (Value, error) {
			id, ok := argument(args, 0).(float64)
			if !ok {
				return nil, fmt.Errorf("gojs: _makeFuncWrapper of %s", describe(argument(args, 0)))
			}
			return &Func{Name: "of Go", goID: int64(id)}, nil
		}},
	}}
}

// newGlobal returns the global object, with the properties that the standard
// library and the guest read while they boot.
//
//layout:long a table of the objects that Go and its libraries read
func newGlobal(context *Object) *Object {
	if context == nil {
		context = &Object{Name: "context", Props: map[string]Value{}}
	}
	for _, name := range []string{"env", "ctx", "binding"} {
		if _, ok := context.Props[name]; !ok {
			context.Props[name] = &Object{Name: "context." + name, Open: name == "env", Props: map[string]Value{}}
		}
	}
	props := map[string]Value{
		"context":           context,
		"fs":                newFS(),
		"process":           newProcessObject(),
		"FixedLengthStream": Undefined,
		"path": &Object{Name: "path", Props: map[string]Value{"resolve": method("path.resolve", func(args []Value) (Value, error) {
			return argument(args, 0), nil
		})}},
		"console": &Object{Name: "console", Props: map[string]Value{
			"error": &Func{Name: "console.error", Call: func(p *Process, args []Value) (Value, error) {
				for _, arg := range args {
					fmt.Fprint(p.config.Stderr, describe(arg), " ")
				}
				fmt.Fprintln(p.config.Stderr)
				return Undefined, nil
			}},
		}},
	}
	for _, class := range []*Func{
		{New: func(*Process, []Value) (Value, error) {
			return &Object{Name: "an object", Open: true, Props: map[string]Value{}}, nil
		}, Name: "Object"},
		{New: func(_ *Process, args []Value) (Value, error) {
			n, err := size(args)
			if err != nil {
				return nil, err
			}
			items := make([]Value, n)
			for i := range items {
				items[i] = Undefined
			}
			return &Array{items}, nil
		}, Name: "Array"},
		{New: func(_ *Process, args []Value) (Value, error) {
			n, err := size(args)
			if err != nil {
				return nil, err
			}
			return &Bytes{make([]byte, n)}, nil
		}, Name: "Uint8Array"},
		{New: func(_ *Process, args []Value) (Value, error) {
			message, err := text(argument(args, 0))
			if err != nil {
				return nil, err
			}
			return newError("", message), nil
		}, Name: "Error"},
		{New: func(p *Process, _ []Value) (Value, error) {
			_, east := p.config.Now().Zone()
			return &Object{Name: "a Date", Props: map[string]Value{
				"getTimezoneOffset": method("getTimezoneOffset", func([]Value) (Value, error) {
					return float64(-east / 60), nil
				}),
			}}, nil
		}, Name: "Date"},
		{Name: "Promise"}, {Name: "Request"}, {Name: "Response"}, {Name: "Headers"}, {Name: "fetch"},
		{Name: "Uint8ClampedArray"}, {Name: "ReadableStream"},
	} {
		props[class.Name] = class
	}
	return &Object{Name: "globalThis", Props: props}
}

// maxArray is the greatest length that a constructor allocates.
const maxArray = 64 << 20

func size(args []Value) (int, error) {
	if len(args) == 0 {
		return 0, nil
	}
	n, ok := args[0].(float64)
	if !ok || n < 0 || n > maxArray || n != float64(int(n)) {
		return 0, fmt.Errorf("gojs: an array of %s items", describe(args[0]))
	}
	return int(n), nil
}

func method(name string, call func(args []Value) (Value, error)) *Func {
	return &Func{Name: name, Call: func(_ *Process, args []Value) (Value, error) { return call(args) }}
}

func argument(args []Value, i int) Value {
	if i < len(args) {
		return args[i]
	}
	return Undefined
}

// newFS returns a file system that can only write to the standard output and error.
func newFS() *Object {
	constants := map[string]Value{}
	for _, name := range []string{"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_EXCL", "O_DIRECTORY"} {
		constants[name] = -1.0
	}
	props := map[string]Value{
		"constants": &Object{Name: "fs.constants", Props: constants},
		"write":     &Func{Name: "fs.write", Call: write},
		"fsync": &Func{Name: "fs.fsync", Call: func(p *Process, args []Value) (Value, error) {
			return p.later(args, nil)
		}},
	}
	for _, name := range []string{
		"chmod", "chown", "close", "fchmod", "fchown", "fstat", "ftruncate", "lchown", "link", "lstat", "mkdir",
		"open", "read", "readdir", "readlink", "rename", "rmdir", "stat", "symlink", "truncate", "unlink", "utimes",
	} {
		props[name] = &Func{Name: "fs." + name, Call: func(p *Process, args []Value) (Value, error) {
			return p.later(args, newError("ENOSYS", name+": not implemented"))
		}}
	}
	return &Object{Name: "fs", Props: props}
}

// write implements fs.write(fd, bytes, offset, length, position, callback).
func write(p *Process, args []Value) (Value, error) {
	b, ok := argument(args, 1).(*Bytes)
	offset, _ := argument(args, 2).(float64)
	n, _ := argument(args, 3).(float64)
	if !ok || offset < 0 || n < 0 || offset+n > float64(len(b.Data)) || argument(args, 4) != nil {
		return p.later(args, newError("EINVAL", "write: invalid argument"))
	}
	p.config.Stderr.Write(b.Data[int(offset):int(offset+n)])
	return p.later(args, nil, n)
}

// later queues the callback, which is the last argument.
func (p *Process) later(args []Value, results ...Value) (Value, error) {
	if len(args) > 0 {
		if callback, ok := args[len(args)-1].(*Func); ok && callback.goID > 0 {
			p.queue = append(p.queue, pendingCall{callback.goID, results})
			return Undefined, nil
		}
	}
	return nil, fmt.Errorf("gojs: a file operation without a callback")
}

func newProcessObject() *Object {
	enosys := func(name string) *Func {
		return method("process."+name, func([]Value) (Value, error) {
			return nil, throw("ENOSYS", name+": not implemented")
		})
	}
	props := map[string]Value{"argv0": "tidemark", "pid": -1.0, "ppid": -1.0}
	for _, name := range []string{"cwd", "chdir", "getgroups", "umask"} {
		props[name] = enosys(name)
	}
	for _, name := range []string{"getuid", "getgid", "geteuid", "getegid"} {
		props[name] = method("process."+name, func([]Value) (Value, error) { return -1.0, nil })
	}
	return &Object{Name: "process", Props: props}
}
