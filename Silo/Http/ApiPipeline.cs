using Gristmill.Grains.Options;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http;

/// <summary>
/// What stands around everything that the silo serves, the routing too. Steps: headers that keep browsers careful → a
/// problem for what failed without one → a problem for an exception that nobody foresaw → is it this silo that was meant
/// (<see cref="HostGuard"/>) → the path as it was sent (<see cref="PathValues"/>).
/// </summary>
internal sealed partial class ApiPipeline(IOptions<GristmillOptions> options, Access.AccessKeys keys, ILoggerFactory loggers) : IStartupFilter
{
    private readonly ILogger _log = loggers.CreateLogger("Gristmill.Http");

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(SecurityHeaders.AddAsync);
        app.UseStatusCodePages(bare => ApiProblems.OfStatus(bare.HttpContext).ExecuteAsync(bare.HttpContext));
        app.Use(CatchAsync);
        app.Use(new HostGuard(options.Value.Access, keys).CheckAsync);
        app.Use(PathValues.UseRawAsync);
        next(app);
    };

    // What came of it is in the log alone: an answer shows no inner parts.
    internal async Task CatchAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody waits for the answer.
        }
        catch (BadHttpRequestException error) when (!HasBegun(context.Response))
        {
            await ApiProblems.Problem(error.StatusCode, "bad_request", "The request is not valid.", error.Message).ExecuteAsync(context);
        }
        catch (Exception error)
        {
            LogFailed(error, context.Request.Method, Commands.Plain.Text(Commands.Plain.OneLine(context.Request.Path)));
            if (HasBegun(context.Response))
            {
                // Whoever reads it shall see that it is cut off, rather than a problem behind half an answer.
                context.Abort();
                return;
            }

            await ApiProblems.Problem(
                StatusCodes.Status500InternalServerError, "internal", "The silo failed.", "The silo could not answer; its log says why.").ExecuteAsync(context);
        }
    }

    private static bool HasBegun(HttpResponse response) => response.HasStarted || (response.BodyWriter.CanGetUnflushedBytes && response.BodyWriter.UnflushedBytes > 0);

    [LoggerMessage(1220, LogLevel.Error, "{Method} {Path} failed.")]
    private partial void LogFailed(Exception error, string method, string path);
}
