#include "common/printable.h"
#include "orchestrator/report/text.h"

void text_scraped(struct output *out, const struct scraped_totals *scraped)
{
    for (uint32_t i = 0; scraped != NULL && i < scraped->count; i++) {
        const struct scraped_series *series = &scraped->items[i];
        if (i == 0)
            output_printf(out, "\nScraped:\n");
        output_printf(out, "  %s: mean %.6g, %.6g to %.6g, at the end %.6g\n",
                      PRINTABLE(series->name), series->sum / (double)series->count, series->min,
                      series->max, series->last);
    }
}
