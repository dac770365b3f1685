package decode

import (
	"errors"
	"runtime"
	"sync"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// Each reads objects side by side, since reading policies is most of the time of a model
// of few pods. What it returns is in the order of the objects; the error names each that
// cannot be read.
func Each[T any](objects []snapshot.Object, read func(snapshot.Object) (T, error)) ([]T, error) {
	out, problems := make([]T, len(objects)), make([]error, len(objects))
	workers := min(runtime.GOMAXPROCS(0), len(objects))
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < len(objects); i += workers {
				var err error
				out[i], err = read(objects[i])
				problems[i] = In(objects[i], err)
			}
		})
	}
	all.Wait()
	return out, errors.Join(problems...)
}
