//go:build !release && !js

package main

import "io/fs"

// inside returns what a released binary has inside, and nil here: a binary of a checkout
// serves the checkout.
func inside() fs.FS { return nil }
