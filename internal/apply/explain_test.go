package apply

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/stagegate/stagegate/internal/snapshot"
)

func TestExplainSaysWhatToDo(t *testing.T) {
	conflict := apierrors.NewApplyConflict([]metav1.StatusCause{
		{Type: metav1.CauseTypeFieldManagerConflict, Message: `conflict with "kubectl-client-side-apply" using apps/v1`, Field: ".spec.replicas"},
		{Type: metav1.CauseTypeFieldManagerConflict, Message: `conflict with "kubectl-client-side-apply" using apps/v1`, Field: ".spec.paused"},
	}, "conflict")
	tests := map[string]struct {
		err  error
		want []string
	}{
		"conflict":       {conflict, []string{`"kubectl-client-side-apply" owns .spec.replicas, .spec.paused`, "take these fields out of the change"}},
		"denied":         {errors.New(`admission webhook "deny.example.com" denied the request: no`), []string{"admission webhook deny.example.com refuses it"}},
		"down":           {apierrors.NewInternalError(errors.New(`failed calling webhook "deny.example.com": connection refused`)), []string{"admission webhook deny.example.com could not be called", "mend it or remove"}},
		"namespace":      {apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop"), []string{`namespace "shop" is absent: add it to the change`}},
		"quoted a value": {errors.New(`invalid: "aHVudGVyMg==" or hunter2`), []string{`invalid: "(masked)" or (masked)`}},
	}
	secret := object1(t, `{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: a}, data: {p: aHVudGVyMg==}}`)
	o := &object{Unstructured: secret, key: snapshot.KeyOf(secret), source: "s.yaml:1"}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := explain(o, test.err).Error()
			for _, want := range append(test.want, "s.yaml:1: Secret a/s: ") {
				if !strings.Contains(got, want) {
					t.Errorf("%q lacks %q", got, want)
				}
			}
		})
	}
	if !errors.Is(explain(o, conflict), ErrConflict) {
		t.Error("a conflict is not an ErrConflict")
	}
}

func TestSealedOpensOnlyWithItsKeyAndContext(t *testing.T) {
	key, other := []byte(strings.Repeat("k", 32)), []byte(strings.Repeat("o", 32))
	s, err := Seal(key, "run/object", map[string]any{"n": int64(3)})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := s.Open(key, "run/object", &got); err != nil || got["n"] != int64(3) {
		t.Errorf("opened %v, %v", got, err)
	}
	for name, err := range map[string]error{
		"key": s.Open(other, "run/object", &got), "context": s.Open(key, "run/other", &got), "cut": s[:5].Open(key, "run/object", &got),
	} {
		if err == nil {
			t.Errorf("opened in spite of another %s", name)
		}
	}
	if _, err := Seal(key[:16], "", nil); err == nil {
		t.Error("took a short key")
	}
}
