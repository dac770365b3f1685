package apply_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
)

// TestCalicoIsTakenBack applies Calico's own manifests, whose agent writes custom
// resources of its own, and wants nothing of it left. It needs nodes that can run it.
func TestCalicoIsTakenBack(t *testing.T) {
	dir := os.Getenv("TEST_CALICO")
	if dir == "" {
		t.Skip("TEST_CALICO names no directory with crds.yaml, calico.yaml and default-deny.yaml")
	}
	var text []string
	for _, name := range []string{"crds.yaml", "calico.yaml", "default-deny.yaml"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, string(content))
	}
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{})
	before := applytest.Dump(t, c)
	part := applytest.Part{Title: "calico", Text: strings.Join(text, "\n---\n")}
	for _, i := range plan(t, b, part).Items {
		t.Log(i.Action, i.Object, i.Risks, i.Note)
	}
	record := applied(t, b, part)
	time.Sleep(5 * time.Second) // the agent makes its own objects
	applytest.Revert(t, b, record)
	applytest.Same(t, c, before)
}
