//go:build !js

package gojs

import (
	"fmt"
	"math"
)

// A Value is a JavaScript value: Undefined, nil (null), a bool, a float64, a
// string, an *Object, an *Array, a *Bytes or a *Func.
type Value any

type undefined struct{}

// Undefined is JavaScript's undefined.
var Undefined Value = undefined{}

// An Object is a set of properties. Errors quote its Name. Reading a missing
// property ends the program. In an Open object it is undefined, as in JavaScript.
type Object struct {
	Name  string
	Open  bool
	Props map[string]Value
}

// An Array is a list of values.
type Array struct {
	Items []Value
}

// Bytes is a Uint8Array.
type Bytes struct {
	Data []byte
}

// A Func is a function or a class. Call is nil for a function that only has to
// exist. New is nil for a function that is not a class. The program gets a *Thrown
// error as an exception; any other error ends it.
type Func struct {
	Name string
	Call func(p *Process, args []Value) (Value, error)
	New  func(p *Process, args []Value) (Value, error)
	goID int64 // of a Go function that was given to JavaScript, from 1
}

// Thrown is a JavaScript exception.
type Thrown struct {
	Value Value
}

func (t *Thrown) Error() string { return "exception: " + describe(t.Value) }

// throw returns an exception with a code, like those of Node's file system.
func throw(code, message string) *Thrown {
	return &Thrown{newError(code, message)}
}

func newError(code, message string) *Object {
	return &Object{Name: "Error", Open: true, Props: map[string]Value{"code": code, "message": message}}
}

func missing(kind, name string, of Value) error {
	return fmt.Errorf("gojs: no %s %q of %s", kind, name, describe(of))
}

func describe(v Value) string {
	switch v := v.(type) {
	case undefined:
		return "undefined"
	case nil:
		return "null"
	case *Object:
		if message, ok := v.Props["message"].(string); ok {
			return message
		}
		return v.Name
	case *Array:
		return "an array"
	case *Bytes:
		return "a Uint8Array"
	case *Func:
		return "function " + v.Name
	}
	return fmt.Sprint(v)
}

// text returns String(v) of JavaScript.
func text(v Value) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return fmt.Sprintf("%d", int64(v)), nil
		}
		return fmt.Sprint(v), nil
	case bool, nil, undefined:
		return describe(v), nil
	}
	return "", fmt.Errorf("gojs: %s as a string", describe(v))
}

func get(v Value, name string) (Value, error) {
	switch v := v.(type) {
	case *Object:
		if p, ok := v.Props[name]; ok {
			return p, nil
		}
		if v.Open {
			return Undefined, nil
		}
	case *Array:
		if name == "length" {
			return float64(len(v.Items)), nil
		}
	case *Bytes:
		if name == "length" || name == "byteLength" {
			return float64(len(v.Data)), nil
		}
	}
	return nil, missing("property", name, v)
}

func length(v Value) (int, error) {
	switch v := v.(type) {
	case *Array:
		return len(v.Items), nil
	case *Bytes:
		return len(v.Data), nil
	}
	return 0, missing("property", "length", v)
}
