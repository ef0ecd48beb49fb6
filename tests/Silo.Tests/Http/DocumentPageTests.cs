using Gristmill.Silo.Tests.Http.Access;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Http;

/// <summary>The page of the document as somebody uses it: in a browser, with its own policy for scripts in force.</summary>
public sealed class DocumentPageTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string ListQueues = "#operations-Queues-listQueues";
    private const string PauseQueue = "#operations-Queues-pauseQueue";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Page_shows_every_call_and_makes_them_with_the_key_that_it_is_given()
    {
        await using var browser = await Browser.StartAsync(Stop);
        await using var api = await ApiFixture.StartAsync(stores, silo: TestKeys.Set);
        var calls = (await api.Contract.DocumentAsync()).GetProperty("paths").EnumerateObject().Sum(p => p.Value.EnumerateObject().Count());
        await browser.OpenAsync($"{api.Contract.Address}docs", Stop);
        await browser.ShowsAsync(ListQueues, "/api/queues", Stop);
        Assert.Equal(calls, (await browser.AskAsync("return document.querySelectorAll('.opblock').length", Stop)).GetInt32());
        Assert.Empty(await browser.ErrorsAsync(Stop));

        await browser.ClickAsync($"{ListQueues} .opblock-summary-control", Stop);
        await browser.ClickAsync($"{ListQueues} .try-out__btn", Stop);
        await browser.ClickAsync($"{ListQueues} .execute", Stop);
        await browser.ShowsAsync($"{ListQueues} .live-responses-table .response .response-col_status", "401", Stop);
        Assert.Contains("401", Assert.Single(await browser.ErrorsAsync(Stop)), StringComparison.Ordinal);

        await browser.ClickAsync(".auth-wrapper .authorize", Stop);
        await browser.TypeAsync("#api_key_value", TestKeys.Read, Stop);
        await browser.ClickAsync(".auth-container:nth-of-type(2) [aria-label='Apply credentials']", Stop);
        await browser.ClickAsync(".modal-ux-header .close-modal", Stop);
        await browser.ClickAsync($"{ListQueues} .execute", Stop);
        await browser.ShowsAsync($"{ListQueues} .live-responses-table .response .response-col_status", "200", Stop);
        await browser.ShowsAsync($"{ListQueues} .live-responses-table", "\"name\": \"asr\"", Stop);
        Assert.Empty(await browser.ErrorsAsync(Stop));

        await browser.ClickAsync($"{PauseQueue} .opblock-summary-control", Stop);
        await browser.ClickAsync($"{PauseQueue} .try-out__btn", Stop);
        await browser.TypeAsync($"{PauseQueue} [data-param-name='queue'] input", "asr", Stop);
        await browser.ClickAsync($"{PauseQueue} .execute", Stop);
        await browser.ShowsAsync($"{PauseQueue} .live-responses-table", "needs the role operate", Stop);
    }
}
