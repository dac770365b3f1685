package apply_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/change"
)

// many is a namespace and n-1 objects in it, half ConfigMaps, half Services.
func many(n int) applytest.Part {
	var text strings.Builder
	text.WriteString("{apiVersion: v1, kind: Namespace, metadata: {name: apply-many}}\n")
	for i := 1; i < n; i++ {
		if i%2 == 0 {
			fmt.Fprintf(&text, "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: m%d, namespace: apply-many}, data: {count: '%d'}}\n", i, i)
		} else {
			fmt.Fprintf(&text, "---\n{apiVersion: v1, kind: Service, metadata: {name: s%d, namespace: apply-many}, spec: {selector: {app: s%d}, ports: [{port: 80}]}}\n", i, i)
		}
	}
	return applytest.Part{Title: "many", Text: text.String()}
}

// BenchmarkPlan plans objects that are all there and unchanged: a read and a dry run each.
func BenchmarkPlan(b *testing.B) {
	each(b, func(b *testing.B, objects *apply.Objects, part applytest.Part) {
		record := applytest.NewRecord(b, part)
		if err := objects.Apply(b.Context(), part, change.Target{}, record.Record, nil); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			set, err := objects.Plan(b.Context(), part, change.Target{}, apply.NewPending())
			if err != nil || set.Count(change.Keep) != len(set.Items) {
				b.Fatalf("%d unchanged of %d, %v", set.Count(change.Keep), len(set.Items), err)
			}
		}
		b.StopTimer()
		revert(b, objects, record)
	})
}

// BenchmarkApply applies objects that are not there, until they are ready.
func BenchmarkApply(b *testing.B) {
	each(b, func(b *testing.B, objects *apply.Objects, part applytest.Part) {
		for b.Loop() {
			record := applytest.NewRecord(b, part)
			if err := objects.Apply(b.Context(), part, change.Target{}, record.Record, nil); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			revert(b, objects, record)
			b.StartTimer()
		}
	})
}

// BenchmarkRevert takes back what BenchmarkApply applies, until it is gone.
func BenchmarkRevert(b *testing.B) {
	each(b, func(b *testing.B, objects *apply.Objects, part applytest.Part) {
		for b.Loop() {
			b.StopTimer()
			record := applytest.NewRecord(b, part)
			if err := objects.Apply(b.Context(), part, change.Target{}, record.Record, nil); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			revert(b, objects, record)
		}
	})
}

func revert(b *testing.B, objects *apply.Objects, record *applytest.Record) {
	b.Helper()
	outcome, err := objects.Revert(b.Context(), record.Record, nil)
	if err != nil || !outcome.Complete() {
		b.Fatalf("%+v, %v", outcome, err)
	}
}

func each(b *testing.B, f func(*testing.B, *apply.Objects, applytest.Part)) {
	for _, n := range []int{20, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f(b, apply.NewObjects(applytest.Clients(b), apply.Options{}), many(n))
		})
	}
}
