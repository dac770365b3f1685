package apply

import (
	"context"
	"errors"
	"sync"
)

// each calls f for every item, at most limit at once. After the first error no new call
// is started; the running ones are let finish, so that it is known what they did.
func each[T any](ctx context.Context, limit int, items []T, f func(context.Context, T) error) error {
	var (
		mu   sync.Mutex
		next int
		errs []error
		wg   sync.WaitGroup
	)
	take := func() (T, bool) {
		mu.Lock()
		defer mu.Unlock()
		var none T
		if len(errs) > 0 || next == len(items) {
			return none, false
		}
		next++
		return items[next-1], true
	}
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, err)
	}
	for range min(limit, len(items)) {
		wg.Go(func() {
			for item, ok := take(); ok; item, ok = take() {
				if err := ctx.Err(); err != nil {
					fail(context.Cause(ctx))
				} else if err := f(ctx, item); err != nil {
					fail(err)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
