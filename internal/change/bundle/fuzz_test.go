package bundle

import (
	"strings"
	"testing"
)

// FuzzParse: whatever the file, parsing ends in an error that names it or in parts that
// each name one change and a line of the file.
func FuzzParse(f *testing.F) {
	const head = "apiVersion: stagegate.dev/v1alpha1\nkind: Change\nmetadata: {name: a}\n"
	for _, seed := range []string{
		"", "a: [", head,
		head + "spec:\n  parts:\n    - manifest: a.yaml\n    - helm: {chart: b, set: {c: d}}\n",
		head + "spec: &s\n  parts: [{terraform: x}]\n",
		"x: &x {parts: [{kustomize: y}]}\n" + head + "spec: {<<: *x}\n",
		head + "spec: {parts: [{helm: {chart: &c b, release: *c}}]}\n---\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		bundle, err := parse("change.yaml", content)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "change.yaml:") {
				t.Fatalf("the error does not name the file: %v", err)
			}
			return
		}
		for _, e := range bundle.Spec.Parts {
			if err := e.validate(); err != nil {
				t.Fatalf("a part that is not valid: %v", err)
			}
			if lines := strings.Count(string(content), "\n") + 1; e.line < 1 || e.line > lines {
				t.Fatalf("line %d of %d", e.line, lines)
			}
		}
	})
}
