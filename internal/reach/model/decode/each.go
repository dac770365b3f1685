package decode

import (
	"errors"
	"reflect"
	"runtime"
	"sync"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// Each reads objects with a spec of type S side by side, since reading policies is most of
// the time of a model of few pods. What it returns is in the order of the objects; the
// error names each that cannot be read.
func Each[S, T any](objects []snapshot.Object, read func(snapshot.Object, *S) (T, error)) ([]T, error) {
	if len(objects) == 0 {
		return nil, nil
	}
	out, problems := make([]T, len(objects)), make([]error, len(objects))
	p := plainFor(reflect.TypeFor[S]())
	workers := min(runtime.GOMAXPROCS(0), len(objects))
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < len(objects); i += workers {
				spec := new(S)
				err := decode(objects[i], spec, p)
				if err == nil {
					out[i], err = read(objects[i], spec)
				}
				problems[i] = In(objects[i], err)
			}
		})
	}
	all.Wait()
	return out, errors.Join(problems...)
}
