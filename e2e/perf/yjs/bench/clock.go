//go:build !linux && !js

package bench

import "time"

var began = time.Now()

// ran is the time of day in ms: that of the thread is known on Linux only.
func ran() float64 { return float64(time.Since(began).Nanoseconds()) / 1e6 }
