package yjs_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"tidemark/shared/yjs"
)

// Documents of several versions of yjs stay readable, and are encoded as by yjs. See
// testdata/documents.mjs.
func TestDocumentsOfYjs(t *testing.T) {
	files, err := filepath.Glob("testdata/documents-*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var documents []struct {
			Name                                string
			GC                                  bool
			Updates                             [][]byte
			Merged, State, StateV2, StateVector []byte
		}
		if err := json.Unmarshal(b, &documents); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range documents {
			t.Run(filepath.Base(file)+"/"+c.Name, func(t *testing.T) {
				integrated := yjs.New(yjs.Options{KeepDeleted: !c.GC})
				for i, update := range c.Updates {
					if _, err := integrated.Apply(update); err != nil {
						t.Fatalf("update %d: %v", i, err)
					}
				}
				state, err := integrated.EncodeStateAsUpdate(nil)
				differs(t, "state", state, c.State, err)
				differs(t, "state vector", integrated.EncodeStateVector(), c.StateVector, nil)
				merged, err := yjs.MergeUpdates(c.Updates...)
				differs(t, "merged", merged, c.Merged, err)
				v2, err := yjs.ConvertV1ToV2(c.State)
				differs(t, "V2", v2, c.StateV2, err)
				v1, err := yjs.ConvertV2ToV1(c.StateV2)
				differs(t, "V1 from V2", v1, c.State, err)

				loaded := yjs.New(yjs.Options{KeepDeleted: !c.GC})
				if err := loaded.Load(c.State); err != nil {
					t.Fatal(err)
				}
				again, err := loaded.EncodeStateAsUpdate(nil)
				differs(t, "state, loaded", again, c.State, err)
			})
		}
	}
}
