package snapshot_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/snapshot"
)

func object(apiVersion, kind, name string) snapshot.Object {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	u.SetName(name)
	return snapshot.Object{Unstructured: u}
}

func names(objects []snapshot.Object) string {
	var out []string
	for _, o := range objects {
		out = append(out, o.GetKind()+"/"+o.GetName())
	}
	return strings.Join(out, " ")
}

// What is laid over a snapshot, or taken out, is not seen in the one that it was made from.
func TestSnapshot(t *testing.T) {
	s, err := snapshot.New(object("apps/v1", "Deployment", "b"), object("v1", "Service", "a"), object("v1", "Pod", "z"), object("apps/v1", "Deployment", "a"))
	if err != nil {
		t.Fatal(err)
	}
	over, without := s.Overlay(object("v1", "Pod", "y"), object("v1", "Node", "n")), s.Without(snapshot.KeyOf(object("v1", "Pod", "z").Unstructured))
	for _, test := range []struct {
		what string
		got  []snapshot.Object
		want string
	}{
		{"all", s.All(), "Pod/z Service/a Deployment/a Deployment/b"},
		{"a kind", s.Kind("apps", "Deployment"), "Deployment/a Deployment/b"},
		{"a kind of another group", s.Kind("", "Deployment"), ""},
		{"with more", over.All(), "Node/n Pod/y Pod/z Service/a Deployment/a Deployment/b"},
		{"with less", without.All(), "Service/a Deployment/a Deployment/b"},
	} {
		if got := names(test.got); got != test.want {
			t.Errorf("%s: %s, want %s", test.what, got, test.want)
		}
	}
	if s.Len() != 4 || over.Len() != 6 || without.Len() != 3 {
		t.Errorf("%d, %d and %d objects", s.Len(), over.Len(), without.Len())
	}
	if _, err := snapshot.New(object("v1", "Pod", "z"), object("v1", "Pod", "z")); err == nil {
		t.Error("the same object twice is no error")
	}
}
